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

class ListAgentsRequest(_message.Message):
    __slots__ = ("status", "limit")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    status: str
    limit: int
    def __init__(self, status: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class RegisterAgentRequest(_message.Message):
    __slots__ = ("name", "host", "pid", "lease", "id", "capabilities", "capacity")
    NAME_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    CAPACITY_FIELD_NUMBER: _ClassVar[int]
    name: str
    host: str
    pid: int
    lease: float
    id: str
    capabilities: _containers.RepeatedScalarFieldContainer[str]
    capacity: int
    def __init__(self, name: _Optional[str] = ..., host: _Optional[str] = ..., pid: _Optional[int] = ..., lease: _Optional[float] = ..., id: _Optional[str] = ..., capabilities: _Optional[_Iterable[str]] = ..., capacity: _Optional[int] = ...) -> None: ...

class Agent(_message.Message):
    __slots__ = ("id", "name", "host", "pid", "status", "lease", "started_at", "heartbeat_at", "expires_at", "capabilities", "capacity", "mode", "state", "running", "memory", "completed", "failed", "per_minute", "pace", "pace_at")
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    PID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_AT_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_AT_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    CAPACITY_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    MEMORY_FIELD_NUMBER: _ClassVar[int]
    COMPLETED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    PER_MINUTE_FIELD_NUMBER: _ClassVar[int]
    PACE_FIELD_NUMBER: _ClassVar[int]
    PACE_AT_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    host: str
    pid: int
    status: str
    lease: float
    started_at: _timestamp_pb2.Timestamp
    heartbeat_at: _timestamp_pb2.Timestamp
    expires_at: _timestamp_pb2.Timestamp
    capabilities: _containers.RepeatedScalarFieldContainer[str]
    capacity: int
    mode: str
    state: str
    running: int
    memory: int
    completed: int
    failed: int
    per_minute: float
    pace: _containers.RepeatedScalarFieldContainer[int]
    pace_at: int
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., host: _Optional[str] = ..., pid: _Optional[int] = ..., status: _Optional[str] = ..., lease: _Optional[float] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., heartbeat_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expires_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., capabilities: _Optional[_Iterable[str]] = ..., capacity: _Optional[int] = ..., mode: _Optional[str] = ..., state: _Optional[str] = ..., running: _Optional[int] = ..., memory: _Optional[int] = ..., completed: _Optional[int] = ..., failed: _Optional[int] = ..., per_minute: _Optional[float] = ..., pace: _Optional[_Iterable[int]] = ..., pace_at: _Optional[int] = ...) -> None: ...

class AgentList(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Agent]
    def __init__(self, items: _Optional[_Iterable[_Union[Agent, _Mapping]]] = ...) -> None: ...

class Queue(_message.Message):
    __slots__ = ("type", "waiting", "delayed", "running", "oldest_at", "agents", "capacity", "note")
    TYPE_FIELD_NUMBER: _ClassVar[int]
    WAITING_FIELD_NUMBER: _ClassVar[int]
    DELAYED_FIELD_NUMBER: _ClassVar[int]
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    OLDEST_AT_FIELD_NUMBER: _ClassVar[int]
    AGENTS_FIELD_NUMBER: _ClassVar[int]
    CAPACITY_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    type: str
    waiting: int
    delayed: int
    running: int
    oldest_at: _timestamp_pb2.Timestamp
    agents: int
    capacity: int
    note: str
    def __init__(self, type: _Optional[str] = ..., waiting: _Optional[int] = ..., delayed: _Optional[int] = ..., running: _Optional[int] = ..., oldest_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., agents: _Optional[int] = ..., capacity: _Optional[int] = ..., note: _Optional[str] = ...) -> None: ...

class QueueList(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Queue]
    def __init__(self, items: _Optional[_Iterable[_Union[Queue, _Mapping]]] = ...) -> None: ...

class Health(_message.Message):
    __slots__ = ("status", "time", "checks")
    class ChecksEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Checks
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Checks, _Mapping]] = ...) -> None: ...
    STATUS_FIELD_NUMBER: _ClassVar[int]
    TIME_FIELD_NUMBER: _ClassVar[int]
    CHECKS_FIELD_NUMBER: _ClassVar[int]
    status: str
    time: _timestamp_pb2.Timestamp
    checks: _containers.MessageMap[str, Checks]
    def __init__(self, status: _Optional[str] = ..., time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., checks: _Optional[_Mapping[str, Checks]] = ...) -> None: ...

class Checks(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Check]
    def __init__(self, items: _Optional[_Iterable[_Union[Check, _Mapping]]] = ...) -> None: ...

class Check(_message.Message):
    __slots__ = ("status", "output", "observed_value", "observed_unit")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_VALUE_FIELD_NUMBER: _ClassVar[int]
    OBSERVED_UNIT_FIELD_NUMBER: _ClassVar[int]
    status: str
    output: str
    observed_value: float
    observed_unit: str
    def __init__(self, status: _Optional[str] = ..., output: _Optional[str] = ..., observed_value: _Optional[float] = ..., observed_unit: _Optional[str] = ...) -> None: ...

class RunChecksRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class Standing(_message.Message):
    __slots__ = ("name", "status", "output", "seconds", "at", "since", "failed_at", "failure", "every", "after", "silenced_by", "missed", "here")
    NAME_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    FAILED_AT_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    EVERY_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    SILENCED_BY_FIELD_NUMBER: _ClassVar[int]
    MISSED_FIELD_NUMBER: _ClassVar[int]
    HERE_FIELD_NUMBER: _ClassVar[int]
    name: str
    status: str
    output: str
    seconds: float
    at: _timestamp_pb2.Timestamp
    since: _timestamp_pb2.Timestamp
    failed_at: _timestamp_pb2.Timestamp
    failure: str
    every: float
    after: _containers.RepeatedScalarFieldContainer[str]
    silenced_by: str
    missed: bool
    here: bool
    def __init__(self, name: _Optional[str] = ..., status: _Optional[str] = ..., output: _Optional[str] = ..., seconds: _Optional[float] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., failed_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., failure: _Optional[str] = ..., every: _Optional[float] = ..., after: _Optional[_Iterable[str]] = ..., silenced_by: _Optional[str] = ..., missed: _Optional[bool] = ..., here: _Optional[bool] = ...) -> None: ...

class StandingList(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[Standing]
    def __init__(self, items: _Optional[_Iterable[_Union[Standing, _Mapping]]] = ...) -> None: ...

class HealthHistoryRequest(_message.Message):
    __slots__ = ("check", "days", "hourly")
    CHECK_FIELD_NUMBER: _ClassVar[int]
    DAYS_FIELD_NUMBER: _ClassVar[int]
    HOURLY_FIELD_NUMBER: _ClassVar[int]
    check: str
    days: int
    hourly: bool
    def __init__(self, check: _Optional[str] = ..., days: _Optional[int] = ..., hourly: _Optional[bool] = ...) -> None: ...

class HealthPeriod(_message.Message):
    __slots__ = ("start", "passed", "warned", "failed", "availability", "mean_seconds")
    START_FIELD_NUMBER: _ClassVar[int]
    PASSED_FIELD_NUMBER: _ClassVar[int]
    WARNED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    AVAILABILITY_FIELD_NUMBER: _ClassVar[int]
    MEAN_SECONDS_FIELD_NUMBER: _ClassVar[int]
    start: _timestamp_pb2.Timestamp
    passed: int
    warned: int
    failed: int
    availability: float
    mean_seconds: float
    def __init__(self, start: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., passed: _Optional[int] = ..., warned: _Optional[int] = ..., failed: _Optional[int] = ..., availability: _Optional[float] = ..., mean_seconds: _Optional[float] = ...) -> None: ...

class HealthHistory(_message.Message):
    __slots__ = ("items",)
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    items: _containers.RepeatedCompositeFieldContainer[HealthPeriod]
    def __init__(self, items: _Optional[_Iterable[_Union[HealthPeriod, _Mapping]]] = ...) -> None: ...

class Log(_message.Message):
    __slots__ = ("epoch", "oldest", "head", "events", "bytes", "pruned_at", "pruned_events")
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    OLDEST_FIELD_NUMBER: _ClassVar[int]
    HEAD_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    PRUNED_AT_FIELD_NUMBER: _ClassVar[int]
    PRUNED_EVENTS_FIELD_NUMBER: _ClassVar[int]
    epoch: str
    oldest: int
    head: int
    events: int
    bytes: int
    pruned_at: _timestamp_pb2.Timestamp
    pruned_events: int
    def __init__(self, epoch: _Optional[str] = ..., oldest: _Optional[int] = ..., head: _Optional[int] = ..., events: _Optional[int] = ..., bytes: _Optional[int] = ..., pruned_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., pruned_events: _Optional[int] = ...) -> None: ...

class Settings(_message.Message):
    __slots__ = ("settings",)
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    settings: _struct_pb2.Struct
    def __init__(self, settings: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ...) -> None: ...
