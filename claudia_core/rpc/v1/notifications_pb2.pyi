import datetime

from claudia_core.rpc.v1 import options_pb2 as _options_pb2
from claudia_core.rpc.v1 import types_pb2 as _types_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Template(_message.Message):
    __slots__ = ("name", "has_sample")
    NAME_FIELD_NUMBER: _ClassVar[int]
    HAS_SAMPLE_FIELD_NUMBER: _ClassVar[int]
    name: str
    has_sample: bool
    def __init__(self, name: _Optional[str] = ..., has_sample: _Optional[bool] = ...) -> None: ...

class TemplateList(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Template]
    def __init__(self, items: _Optional[_Iterable[_Union[Template, _Mapping]]] = ...) -> None: ...

class PreviewMailRequest(_message.Message):
    __slots__ = ("template", "data")
    TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    template: str
    data: str
    def __init__(self, template: _Optional[str] = ..., data: _Optional[str] = ...) -> None: ...

class Preview(_message.Message):
    __slots__ = ("subject", "html", "text")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    HTML_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    subject: str
    html: str
    text: str
    def __init__(self, subject: _Optional[str] = ..., html: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class TestMailRequest(_message.Message):
    __slots__ = ("template", "data", "to")
    TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    template: str
    data: str
    to: str
    def __init__(self, template: _Optional[str] = ..., data: _Optional[str] = ..., to: _Optional[str] = ...) -> None: ...

class Tested(_message.Message):
    __slots__ = ("id", "to")
    ID_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    id: str
    to: str
    def __init__(self, id: _Optional[str] = ..., to: _Optional[str] = ...) -> None: ...

class ListSuppressionsRequest(_message.Message):
    __slots__ = ("limit", "after")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    limit: int
    after: str
    def __init__(self, limit: _Optional[int] = ..., after: _Optional[str] = ...) -> None: ...

class SuppressAddressRequest(_message.Message):
    __slots__ = ("address", "reason", "note")
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    address: str
    reason: str
    note: str
    def __init__(self, address: _Optional[str] = ..., reason: _Optional[str] = ..., note: _Optional[str] = ...) -> None: ...

class UnsuppressAddressRequest(_message.Message):
    __slots__ = ("address",)
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    address: str
    def __init__(self, address: _Optional[str] = ...) -> None: ...

class Suppression(_message.Message):
    __slots__ = ("id", "reason", "note", "created_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    reason: str
    note: str
    created_at: _timestamp_pb2.Timestamp
    def __init__(self, id: _Optional[str] = ..., reason: _Optional[str] = ..., note: _Optional[str] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class SuppressionPage(_message.Message):
    __slots__ = ("items", "next")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Suppression]
    next: str
    def __init__(self, items: _Optional[_Iterable[_Union[Suppression, _Mapping]]] = ..., next: _Optional[str] = ...) -> None: ...

class CreateChannelRequest(_message.Message):
    __slots__ = ("name", "kind", "address", "digest", "quiet", "per_hour", "active")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    QUIET_FIELD_NUMBER: _ClassVar[int]
    PER_HOUR_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    name: str
    kind: str
    address: str
    digest: int
    quiet: str
    per_hour: int
    active: bool
    def __init__(self, name: _Optional[str] = ..., kind: _Optional[str] = ..., address: _Optional[str] = ..., digest: _Optional[int] = ..., quiet: _Optional[str] = ..., per_hour: _Optional[int] = ..., active: _Optional[bool] = ...) -> None: ...

class UpdateChannelRequest(_message.Message):
    __slots__ = ("id", "name", "address", "digest", "quiet", "per_hour", "active")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    QUIET_FIELD_NUMBER: _ClassVar[int]
    PER_HOUR_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    address: str
    digest: int
    quiet: str
    per_hour: int
    active: bool
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., address: _Optional[str] = ..., digest: _Optional[int] = ..., quiet: _Optional[str] = ..., per_hour: _Optional[int] = ..., active: _Optional[bool] = ...) -> None: ...

class CreateRuleRequest(_message.Message):
    __slots__ = ("name", "events", "filter", "level", "channels", "users", "template", "active", "escalate_after", "escalate_to")
    NAME_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    CHANNELS_FIELD_NUMBER: _ClassVar[int]
    USERS_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    ESCALATE_AFTER_FIELD_NUMBER: _ClassVar[int]
    ESCALATE_TO_FIELD_NUMBER: _ClassVar[int]
    name: str
    events: _containers.RepeatedScalarFieldContainer[str]
    filter: _struct_pb2.Struct
    level: str
    channels: _containers.RepeatedScalarFieldContainer[str]
    users: _containers.RepeatedScalarFieldContainer[str]
    template: str
    active: bool
    escalate_after: int
    escalate_to: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., events: _Optional[_Iterable[str]] = ..., filter: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., level: _Optional[str] = ..., channels: _Optional[_Iterable[str]] = ..., users: _Optional[_Iterable[str]] = ..., template: _Optional[str] = ..., active: _Optional[bool] = ..., escalate_after: _Optional[int] = ..., escalate_to: _Optional[_Iterable[str]] = ...) -> None: ...

class UpdateRuleRequest(_message.Message):
    __slots__ = ("id", "name", "events", "filter", "level", "channels", "users", "template", "active", "escalate_after", "escalate_to")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    CHANNELS_FIELD_NUMBER: _ClassVar[int]
    USERS_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    ESCALATE_AFTER_FIELD_NUMBER: _ClassVar[int]
    ESCALATE_TO_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    events: _containers.RepeatedScalarFieldContainer[str]
    filter: _struct_pb2.Struct
    level: str
    channels: _containers.RepeatedScalarFieldContainer[str]
    users: _containers.RepeatedScalarFieldContainer[str]
    template: str
    active: bool
    escalate_after: int
    escalate_to: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., events: _Optional[_Iterable[str]] = ..., filter: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., level: _Optional[str] = ..., channels: _Optional[_Iterable[str]] = ..., users: _Optional[_Iterable[str]] = ..., template: _Optional[str] = ..., active: _Optional[bool] = ..., escalate_after: _Optional[int] = ..., escalate_to: _Optional[_Iterable[str]] = ...) -> None: ...

class AddOfferedRequest(_message.Message):
    __slots__ = ("channels",)
    CHANNELS_FIELD_NUMBER: _ClassVar[int]
    channels: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, channels: _Optional[_Iterable[str]] = ...) -> None: ...

class ListDispatchesRequest(_message.Message):
    __slots__ = ("channel", "status", "limit", "after")
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    channel: str
    status: str
    limit: int
    after: str
    def __init__(self, channel: _Optional[str] = ..., status: _Optional[str] = ..., limit: _Optional[int] = ..., after: _Optional[str] = ...) -> None: ...

class ListNoticesRequest(_message.Message):
    __slots__ = ("user", "unread", "limit", "after")
    USER_FIELD_NUMBER: _ClassVar[int]
    UNREAD_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    user: str
    unread: bool
    limit: int
    after: str
    def __init__(self, user: _Optional[str] = ..., unread: _Optional[bool] = ..., limit: _Optional[int] = ..., after: _Optional[str] = ...) -> None: ...

class AcknowledgeNoticesRequest(_message.Message):
    __slots__ = ("ids", "user")
    IDS_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    ids: _containers.RepeatedScalarFieldContainer[str]
    user: str
    def __init__(self, ids: _Optional[_Iterable[str]] = ..., user: _Optional[str] = ...) -> None: ...

class GetPreferencesRequest(_message.Message):
    __slots__ = ("user",)
    USER_FIELD_NUMBER: _ClassVar[int]
    user: str
    def __init__(self, user: _Optional[str] = ...) -> None: ...

class SetPreferencesRequest(_message.Message):
    __slots__ = ("user", "email", "mail", "toasts", "level", "muted", "quiet", "digest")
    USER_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    MAIL_FIELD_NUMBER: _ClassVar[int]
    TOASTS_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    MUTED_FIELD_NUMBER: _ClassVar[int]
    QUIET_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    user: str
    email: str
    mail: bool
    toasts: bool
    level: str
    muted: _containers.RepeatedScalarFieldContainer[str]
    quiet: str
    digest: int
    def __init__(self, user: _Optional[str] = ..., email: _Optional[str] = ..., mail: _Optional[bool] = ..., toasts: _Optional[bool] = ..., level: _Optional[str] = ..., muted: _Optional[_Iterable[str]] = ..., quiet: _Optional[str] = ..., digest: _Optional[int] = ...) -> None: ...

class Channel(_message.Message):
    __slots__ = ("id", "name", "kind", "shown", "digest", "quiet", "per_hour", "active", "created_at", "updated_at", "failing_since", "last_error")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    SHOWN_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    QUIET_FIELD_NUMBER: _ClassVar[int]
    PER_HOUR_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    FAILING_SINCE_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    kind: str
    shown: str
    digest: int
    quiet: str
    per_hour: int
    active: bool
    created_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    failing_since: _timestamp_pb2.Timestamp
    last_error: str
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., kind: _Optional[str] = ..., shown: _Optional[str] = ..., digest: _Optional[int] = ..., quiet: _Optional[str] = ..., per_hour: _Optional[int] = ..., active: _Optional[bool] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., failing_since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_error: _Optional[str] = ...) -> None: ...

class ChannelList(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Channel]
    def __init__(self, items: _Optional[_Iterable[_Union[Channel, _Mapping]]] = ...) -> None: ...

class Rule(_message.Message):
    __slots__ = ("id", "name", "events", "filter", "level", "channels", "users", "template", "active", "created_at", "updated_at", "escalate_after", "escalate_to")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    CHANNELS_FIELD_NUMBER: _ClassVar[int]
    USERS_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    ESCALATE_AFTER_FIELD_NUMBER: _ClassVar[int]
    ESCALATE_TO_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    events: _containers.RepeatedScalarFieldContainer[str]
    filter: _struct_pb2.Struct
    level: str
    channels: _containers.RepeatedScalarFieldContainer[str]
    users: _containers.RepeatedScalarFieldContainer[str]
    template: str
    active: bool
    created_at: _timestamp_pb2.Timestamp
    updated_at: _timestamp_pb2.Timestamp
    escalate_after: int
    escalate_to: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., events: _Optional[_Iterable[str]] = ..., filter: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., level: _Optional[str] = ..., channels: _Optional[_Iterable[str]] = ..., users: _Optional[_Iterable[str]] = ..., template: _Optional[str] = ..., active: _Optional[bool] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., escalate_after: _Optional[int] = ..., escalate_to: _Optional[_Iterable[str]] = ...) -> None: ...

class RuleList(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Rule]
    def __init__(self, items: _Optional[_Iterable[_Union[Rule, _Mapping]]] = ...) -> None: ...

class Offered(_message.Message):
    __slots__ = ("name", "events", "filter", "level")
    NAME_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    name: str
    events: _containers.RepeatedScalarFieldContainer[str]
    filter: _struct_pb2.Struct
    level: str
    def __init__(self, name: _Optional[str] = ..., events: _Optional[_Iterable[str]] = ..., filter: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., level: _Optional[str] = ...) -> None: ...

class OfferedList(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Offered]
    def __init__(self, items: _Optional[_Iterable[_Union[Offered, _Mapping]]] = ...) -> None: ...

class Dispatch(_message.Message):
    __slots__ = ("id", "target", "rule_id", "level", "title", "text", "link", "event_type", "subject", "together", "status", "tries", "next_at", "created_at", "finished_at", "error")
    ID_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    RULE_ID_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    LINK_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    TOGETHER_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    TRIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_AT_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    FINISHED_AT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    id: str
    target: str
    rule_id: str
    level: str
    title: str
    text: str
    link: str
    event_type: str
    subject: str
    together: bool
    status: str
    tries: int
    next_at: _timestamp_pb2.Timestamp
    created_at: _timestamp_pb2.Timestamp
    finished_at: _timestamp_pb2.Timestamp
    error: str
    def __init__(self, id: _Optional[str] = ..., target: _Optional[str] = ..., rule_id: _Optional[str] = ..., level: _Optional[str] = ..., title: _Optional[str] = ..., text: _Optional[str] = ..., link: _Optional[str] = ..., event_type: _Optional[str] = ..., subject: _Optional[str] = ..., together: _Optional[bool] = ..., status: _Optional[str] = ..., tries: _Optional[int] = ..., next_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., finished_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., error: _Optional[str] = ...) -> None: ...

class DispatchPage(_message.Message):
    __slots__ = ("items", "next")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Dispatch]
    next: str
    def __init__(self, items: _Optional[_Iterable[_Union[Dispatch, _Mapping]]] = ..., next: _Optional[str] = ...) -> None: ...

class Notice(_message.Message):
    __slots__ = ("id", "owner", "rule_id", "level", "title", "text", "link", "event_type", "quiet", "created_at", "acknowledged_at", "status")
    ID_FIELD_NUMBER: _ClassVar[int]
    OWNER_FIELD_NUMBER: _ClassVar[int]
    RULE_ID_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    LINK_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    QUIET_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGED_AT_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    id: str
    owner: str
    rule_id: str
    level: str
    title: str
    text: str
    link: str
    event_type: str
    quiet: bool
    created_at: _timestamp_pb2.Timestamp
    acknowledged_at: _timestamp_pb2.Timestamp
    status: str
    def __init__(self, id: _Optional[str] = ..., owner: _Optional[str] = ..., rule_id: _Optional[str] = ..., level: _Optional[str] = ..., title: _Optional[str] = ..., text: _Optional[str] = ..., link: _Optional[str] = ..., event_type: _Optional[str] = ..., quiet: _Optional[bool] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., acknowledged_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., status: _Optional[str] = ...) -> None: ...

class NoticePage(_message.Message):
    __slots__ = ("items", "unread", "next")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    UNREAD_FIELD_NUMBER: _ClassVar[int]
    NEXT_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Notice]
    unread: int
    next: str
    def __init__(self, items: _Optional[_Iterable[_Union[Notice, _Mapping]]] = ..., unread: _Optional[int] = ..., next: _Optional[str] = ...) -> None: ...

class Acknowledged(_message.Message):
    __slots__ = ("acknowledged",)
    ACKNOWLEDGED_FIELD_NUMBER: _ClassVar[int]
    acknowledged: int
    def __init__(self, acknowledged: _Optional[int] = ...) -> None: ...

class Preferences(_message.Message):
    __slots__ = ("id", "email", "mail", "toasts", "level", "muted", "quiet", "digest")
    ID_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    MAIL_FIELD_NUMBER: _ClassVar[int]
    TOASTS_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    MUTED_FIELD_NUMBER: _ClassVar[int]
    QUIET_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    id: str
    email: str
    mail: bool
    toasts: bool
    level: str
    muted: _containers.RepeatedScalarFieldContainer[str]
    quiet: str
    digest: int
    def __init__(self, id: _Optional[str] = ..., email: _Optional[str] = ..., mail: _Optional[bool] = ..., toasts: _Optional[bool] = ..., level: _Optional[str] = ..., muted: _Optional[_Iterable[str]] = ..., quiet: _Optional[str] = ..., digest: _Optional[int] = ...) -> None: ...
