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

class ReportErrorRequest(_message.Message):
    __slots__ = ("type", "message", "traceback", "culprit", "task_id", "context", "id", "time", "exceptions", "fingerprint", "level", "kind", "handled", "agent_id", "service", "release", "environment", "host", "user", "tags", "request", "breadcrumbs")
    class TagsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    TYPE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    TRACEBACK_FIELD_NUMBER: _ClassVar[int]
    CULPRIT_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    EXCEPTIONS_FIELD_NUMBER: _ClassVar[int]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    HANDLED_FIELD_NUMBER: _ClassVar[int]
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    RELEASE_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    BREADCRUMBS_FIELD_NUMBER: _ClassVar[int]
    type: str
    message: str
    traceback: str
    culprit: str
    task_id: str
    context: _struct_pb2.Struct
    id: str
    time: _timestamp_pb2.Timestamp
    exceptions: _containers.RepeatedCompositeFieldContainer[_struct_pb2.Struct]
    fingerprint: _containers.RepeatedScalarFieldContainer[str]
    level: str
    kind: str
    handled: bool
    agent_id: str
    service: str
    release: str
    environment: str
    host: str
    user: _struct_pb2.Struct
    tags: _containers.ScalarMap[str, str]
    request: _struct_pb2.Struct
    breadcrumbs: _containers.RepeatedCompositeFieldContainer[_struct_pb2.Struct]
    def __init__(self, type: _Optional[str] = ..., message: _Optional[str] = ..., traceback: _Optional[str] = ..., culprit: _Optional[str] = ..., task_id: _Optional[str] = ..., context: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., id: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., exceptions: _Optional[_Iterable[_Union[_struct_pb2.Struct, _Mapping]]] = ..., fingerprint: _Optional[_Iterable[str]] = ..., level: _Optional[str] = ..., kind: _Optional[str] = ..., handled: _Optional[bool] = ..., agent_id: _Optional[str] = ..., service: _Optional[str] = ..., release: _Optional[str] = ..., environment: _Optional[str] = ..., host: _Optional[str] = ..., user: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., tags: _Optional[_Mapping[str, str]] = ..., request: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., breadcrumbs: _Optional[_Iterable[_Union[_struct_pb2.Struct, _Mapping]]] = ...) -> None: ...

class ListIssuesRequest(_message.Message):
    __slots__ = ("status", "limit", "after", "text", "service", "environment", "release", "level", "task_id", "agent_id", "order")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    RELEASE_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    status: _containers.RepeatedScalarFieldContainer[str]
    limit: int
    after: str
    text: str
    service: str
    environment: str
    release: str
    level: str
    task_id: str
    agent_id: str
    order: str
    def __init__(self, status: _Optional[_Iterable[str]] = ..., limit: _Optional[int] = ..., after: _Optional[str] = ..., text: _Optional[str] = ..., service: _Optional[str] = ..., environment: _Optional[str] = ..., release: _Optional[str] = ..., level: _Optional[str] = ..., task_id: _Optional[str] = ..., agent_id: _Optional[str] = ..., order: _Optional[str] = ...) -> None: ...

class ListOccurrencesRequest(_message.Message):
    __slots__ = ("issue_id", "task_id", "limit", "after")
    ISSUE_ID_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    issue_id: str
    task_id: str
    limit: int
    after: str
    def __init__(self, issue_id: _Optional[str] = ..., task_id: _Optional[str] = ..., limit: _Optional[int] = ..., after: _Optional[str] = ...) -> None: ...

class CountIssueRequest(_message.Message):
    __slots__ = ("id", "since", "daily")
    ID_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    DAILY_FIELD_NUMBER: _ClassVar[int]
    id: str
    since: _timestamp_pb2.Timestamp
    daily: bool
    def __init__(self, id: _Optional[str] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., daily: _Optional[bool] = ...) -> None: ...

class ListAffectedRequest(_message.Message):
    __slots__ = ("id", "kind", "limit")
    ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    id: str
    kind: str
    limit: int
    def __init__(self, id: _Optional[str] = ..., kind: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class IgnoreIssueRequest(_message.Message):
    __slots__ = ("id", "until", "more")
    ID_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    id: str
    until: _timestamp_pb2.Timestamp
    more: int
    def __init__(self, id: _Optional[str] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., more: _Optional[int] = ...) -> None: ...

class ChangeIssuesRequest(_message.Message):
    __slots__ = ("ids", "action", "until", "more")
    IDS_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    ids: _containers.RepeatedScalarFieldContainer[str]
    action: str
    until: _timestamp_pb2.Timestamp
    more: int
    def __init__(self, ids: _Optional[_Iterable[str]] = ..., action: _Optional[str] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., more: _Optional[int] = ...) -> None: ...

class CommentIssueRequest(_message.Message):
    __slots__ = ("id", "text")
    ID_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    id: str
    text: str
    def __init__(self, id: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class ListCommentsRequest(_message.Message):
    __slots__ = ("id", "limit")
    ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    id: str
    limit: int
    def __init__(self, id: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class Issue(_message.Message):
    __slots__ = ("id", "type", "title", "culprit", "first_seen", "last_seen", "count", "status", "level", "grouping", "services", "environments", "releases", "tasks", "agents", "kept", "ignored_until", "ignored_count", "resolved_at", "regressed_at", "regressions", "comments", "version", "hours", "trend")
    ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    CULPRIT_FIELD_NUMBER: _ClassVar[int]
    FIRST_SEEN_FIELD_NUMBER: _ClassVar[int]
    LAST_SEEN_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    GROUPING_FIELD_NUMBER: _ClassVar[int]
    SERVICES_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENTS_FIELD_NUMBER: _ClassVar[int]
    RELEASES_FIELD_NUMBER: _ClassVar[int]
    TASKS_FIELD_NUMBER: _ClassVar[int]
    AGENTS_FIELD_NUMBER: _ClassVar[int]
    KEPT_FIELD_NUMBER: _ClassVar[int]
    IGNORED_UNTIL_FIELD_NUMBER: _ClassVar[int]
    IGNORED_COUNT_FIELD_NUMBER: _ClassVar[int]
    RESOLVED_AT_FIELD_NUMBER: _ClassVar[int]
    REGRESSED_AT_FIELD_NUMBER: _ClassVar[int]
    REGRESSIONS_FIELD_NUMBER: _ClassVar[int]
    COMMENTS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    HOURS_FIELD_NUMBER: _ClassVar[int]
    TREND_FIELD_NUMBER: _ClassVar[int]
    id: str
    type: str
    title: str
    culprit: str
    first_seen: _timestamp_pb2.Timestamp
    last_seen: _timestamp_pb2.Timestamp
    count: int
    status: str
    level: str
    grouping: _struct_pb2.Struct
    services: _containers.RepeatedScalarFieldContainer[str]
    environments: _containers.RepeatedScalarFieldContainer[str]
    releases: _containers.RepeatedScalarFieldContainer[str]
    tasks: int
    agents: int
    kept: int
    ignored_until: _timestamp_pb2.Timestamp
    ignored_count: int
    resolved_at: _timestamp_pb2.Timestamp
    regressed_at: _timestamp_pb2.Timestamp
    regressions: int
    comments: int
    version: int
    hours: _containers.RepeatedScalarFieldContainer[int]
    trend: str
    def __init__(self, id: _Optional[str] = ..., type: _Optional[str] = ..., title: _Optional[str] = ..., culprit: _Optional[str] = ..., first_seen: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_seen: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., count: _Optional[int] = ..., status: _Optional[str] = ..., level: _Optional[str] = ..., grouping: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., services: _Optional[_Iterable[str]] = ..., environments: _Optional[_Iterable[str]] = ..., releases: _Optional[_Iterable[str]] = ..., tasks: _Optional[int] = ..., agents: _Optional[int] = ..., kept: _Optional[int] = ..., ignored_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., ignored_count: _Optional[int] = ..., resolved_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., regressed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., regressions: _Optional[int] = ..., comments: _Optional[int] = ..., version: _Optional[int] = ..., hours: _Optional[_Iterable[int]] = ..., trend: _Optional[str] = ...) -> None: ...

class IssuePage(_message.Message):
    __slots__ = ("items", "next")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Issue]
    next: str
    def __init__(self, items: _Optional[_Iterable[_Union[Issue, _Mapping]]] = ..., next: _Optional[str] = ...) -> None: ...

class IssueList(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Issue]
    def __init__(self, items: _Optional[_Iterable[_Union[Issue, _Mapping]]] = ...) -> None: ...

class Occurrence(_message.Message):
    __slots__ = ("id", "issue_id", "type", "message", "time", "traceback", "task_id", "context", "culprit", "level", "kind", "handled", "agent_id", "service", "release", "environment", "host", "tags", "exceptions", "user", "request", "breadcrumbs")
    class TagsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    ISSUE_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    TRACEBACK_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    CULPRIT_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    HANDLED_FIELD_NUMBER: _ClassVar[int]
    AGENT_ID_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    RELEASE_FIELD_NUMBER: _ClassVar[int]
    ENVIRONMENT_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    TAGS_FIELD_NUMBER: _ClassVar[int]
    EXCEPTIONS_FIELD_NUMBER: _ClassVar[int]
    USER_FIELD_NUMBER: _ClassVar[int]
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    BREADCRUMBS_FIELD_NUMBER: _ClassVar[int]
    id: str
    issue_id: str
    type: str
    message: str
    time: _timestamp_pb2.Timestamp
    traceback: str
    task_id: str
    context: _struct_pb2.Struct
    culprit: str
    level: str
    kind: str
    handled: bool
    agent_id: str
    service: str
    release: str
    environment: str
    host: str
    tags: _containers.ScalarMap[str, str]
    exceptions: _containers.RepeatedCompositeFieldContainer[_struct_pb2.Struct]
    user: _struct_pb2.Struct
    request: _struct_pb2.Struct
    breadcrumbs: _containers.RepeatedCompositeFieldContainer[_struct_pb2.Struct]
    def __init__(self, id: _Optional[str] = ..., issue_id: _Optional[str] = ..., type: _Optional[str] = ..., message: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., traceback: _Optional[str] = ..., task_id: _Optional[str] = ..., context: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., culprit: _Optional[str] = ..., level: _Optional[str] = ..., kind: _Optional[str] = ..., handled: _Optional[bool] = ..., agent_id: _Optional[str] = ..., service: _Optional[str] = ..., release: _Optional[str] = ..., environment: _Optional[str] = ..., host: _Optional[str] = ..., tags: _Optional[_Mapping[str, str]] = ..., exceptions: _Optional[_Iterable[_Union[_struct_pb2.Struct, _Mapping]]] = ..., user: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., request: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., breadcrumbs: _Optional[_Iterable[_Union[_struct_pb2.Struct, _Mapping]]] = ...) -> None: ...

class OccurrencePage(_message.Message):
    __slots__ = ("items", "next")
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Occurrence]
    next: str
    def __init__(self, items: _Optional[_Iterable[_Union[Occurrence, _Mapping]]] = ..., next: _Optional[str] = ...) -> None: ...

class Count(_message.Message):
    __slots__ = ("at", "count")
    AT_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    at: _timestamp_pb2.Timestamp
    count: int
    def __init__(self, at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., count: _Optional[int] = ...) -> None: ...

class CountList(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Count]
    def __init__(self, items: _Optional[_Iterable[_Union[Count, _Mapping]]] = ...) -> None: ...

class Ids(_message.Message):
    __slots__ = ("ids",)
    IDS_FIELD_NUMBER: _ClassVar[int]
    ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, ids: _Optional[_Iterable[str]] = ...) -> None: ...

class Comment(_message.Message):
    __slots__ = ("id", "issue_id", "text", "time", "author")
    ID_FIELD_NUMBER: _ClassVar[int]
    ISSUE_ID_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    AUTHOR_FIELD_NUMBER: _ClassVar[int]
    id: str
    issue_id: str
    text: str
    time: _timestamp_pb2.Timestamp
    author: str
    def __init__(self, id: _Optional[str] = ..., issue_id: _Optional[str] = ..., text: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., author: _Optional[str] = ...) -> None: ...

class CommentList(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Comment]
    def __init__(self, items: _Optional[_Iterable[_Union[Comment, _Mapping]]] = ...) -> None: ...
