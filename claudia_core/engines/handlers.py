"""Handlers: the functions that do the work of a type of task, and what their payload must look like."""

from __future__ import annotations

import builtins
import inspect
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, PydanticUserError, TypeAdapter, ValidationError, create_model

from claudia_core.errors import Conflict, InvalidValue, PayloadInvalid
from claudia_core.model.policy import RetryPolicy
from claudia_core.model.values import require_count, require_text, shown
from claudia_core.services.tasks.claims import Terms
from claudia_core.services.tasks.new_task import MOST_ATTEMPTS, require_stall

ENGINES = ("thread", "process", "asyncio")
STRICT = ConfigDict(extra="forbid", arbitrary_types_allowed=True)

type Function = Callable[..., Any]


@dataclass(frozen=True, kw_only=True)
class Handler:
    """A function for one type of task, and the rules by which it is run; see `Handlers.register`."""

    type: str
    function: Function
    engine: str
    retries: int = 0
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    retry_on: tuple[builtins.type[BaseException], ...] = (Exception,)
    timeout: float | None = None
    grace: float = 10.0
    concurrency: int | None = None
    stall_after: float | None = None
    memory: int | None = None
    arguments: Callable[[Any], tuple[tuple[Any, ...], dict[str, Any]]]

    @property
    def place(self) -> str:
        """Where the function is, such as `module.function`."""
        return f"{self.function.__module__}.{self.function.__qualname__}"

    @property
    def terms(self) -> Terms:
        """On what terms its tasks are taken."""
        return Terms(attempts=1 + self.retries, policy=self.policy, most=self.concurrency, stall_after=self.stall_after)

    def call(self, task: Any, payload: Any) -> Any:
        """Run the function, or give its coroutine.

        Raises:
            PayloadInvalid: the payload is not what the function takes.
        """
        positional, named = self.arguments(payload)
        return self.function(task, *positional, **named)


class Handlers:
    """The handlers of one hub, by type. Thread-safe."""

    def __init__(self) -> None:
        self._by_type: dict[str, Handler] = {}
        self._lock = threading.Lock()

    def register(self, type: str, function: Function, **rules: Any) -> Handler:
        """Make `function` the handler of a type of task.

        Its first argument is the task (`tracking.TaskBlock`). The payload follows: a parameter called `payload`, or the
        only one if a pydantic model is its type, takes it whole; several take its fields by name. Their types are
        checked by pydantic.

        Args:
            type: the type of task.
            function: a function, or a coroutine function.
            rules: `retries`: attempts after the first. `policy`: a RetryPolicy. `retry_on`: the exceptions after which
                it is tried again. `timeout`: most seconds of one attempt. `grace`: seconds from being asked to stop to
                being killed. `concurrency`: most tasks of the type at once, over all agents. `stall_after`: seconds
                without news that count as a stall. `engine`: `thread`, `process` or, for coroutine functions,
                `asyncio`. `memory`: bytes that one run may take in a process beyond what that has.

        Raises:
            InvalidValue: a rule is wrong, or the signature cannot be filled from a payload.
            Conflict: another function handles this type already.
        """
        handler = _checked(require_text(type, "type", 100), function, rules)
        with self._lock:
            known = self._by_type.get(type)
            if known is not None and known.place != handler.place:
                raise Conflict(f"{type} is handled by {known.place} already", hint="use another type")
            self._by_type[type] = handler
        return handler

    def get(self, type: str) -> Handler | None:
        """The handler of a type; None where there is none."""
        return self._by_type.get(type)

    @property
    def types(self) -> tuple[str, ...]:
        """The types there are handlers for."""
        return tuple(self._by_type)

    def __iter__(self) -> Iterator[Handler]:
        return iter(tuple(self._by_type.values()))

    def __len__(self) -> int:
        return len(self._by_type)


def _checked(type: str, function: Function, rules: Mapping[str, Any]) -> Handler:
    unknown = rules.keys() - Handler.__dataclass_fields__.keys() | rules.keys() & {"type", "function", "arguments"}
    if unknown:
        raise InvalidValue(f"a handler has no {', '.join(sorted(unknown))}", field=min(unknown))
    is_async = inspect.iscoroutinefunction(function)
    handler = Handler(
        type=type,
        function=function,
        arguments=arguments_of(function),
        **{"engine": "asyncio" if is_async else "thread", **rules},
    )
    if handler.engine not in ENGINES or (handler.engine == "asyncio") is not is_async:
        fitting = "asyncio" if is_async else "thread or process"
        raise InvalidValue(f"engine is {shown(handler.engine)}", field="engine", hint=f"use {fitting} for {type}")
    _require_whole(handler.retries, "retries", 0, MOST_ATTEMPTS - 1)
    if handler.concurrency is not None:
        _require_whole(handler.concurrency, "concurrency", 1, 10_000)
    if handler.timeout is not None and not require_count(handler.timeout, "timeout"):
        raise InvalidValue("timeout is 0", field="timeout", hint="use seconds, or None for none")
    if handler.stall_after is not None:
        require_stall(handler.stall_after)
    require_count(handler.grace, "grace")
    if handler.engine == "process":
        _require_importable(function)
    if handler.memory is not None:
        _require_whole(handler.memory, "memory", 1_000_000, 2**53)
        if handler.engine != "process":
            raise InvalidValue("memory is limited in processes only", field="memory", hint='use engine="process"')
    handler.policy.checked()
    return handler


def _require_importable(function: Function) -> None:
    if "<" in function.__qualname__:
        hint = "define it at the top of a module: another process imports it"
        raise InvalidValue(f"{function.__qualname__} cannot be found by other processes", field="engine", hint=hint)
    if function.__module__ == "__main__" and not hasattr(sys.modules["__main__"], "__file__"):
        hint = "put it in a module that the notebook imports"
        raise InvalidValue(
            f"other processes cannot import {function.__qualname__} from here", field="engine", hint=hint
        )


def _require_whole(value: object, name: str, least: int, most: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise InvalidValue(f"{name} is {shown(value)}", field=name, hint=f"use {least} to {most}")


def arguments_of(function: Function) -> Callable[[Any], tuple[tuple[Any, ...], dict[str, Any]]]:
    """What turns a payload into the arguments of a handler that follow the task.

    Raises:
        InvalidValue: the signature cannot be filled from a payload.
    """
    parameters = list(inspect.signature(function).parameters.values())
    if not parameters or parameters[0].kind not in (parameters[0].POSITIONAL_ONLY, parameters[0].POSITIONAL_OR_KEYWORD):
        raise InvalidValue(f"{function.__qualname__} takes no task", hint="its first parameter is the task")
    rest = parameters[1:]
    odd = [
        parameter.name for parameter in rest if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.VAR_POSITIONAL)
    ]
    if odd:
        raise InvalidValue(
            f"{function.__qualname__} takes {odd[0]} by position", hint="take the payload's fields by name"
        )
    hints = get_type_hints(function, include_extras=True)
    try:
        return _whole(rest[0], hints) if _is_whole(rest, hints) else _fields(function, rest, hints)
    except PydanticUserError as error:
        raise InvalidValue(f"{function.__qualname__} has a type that cannot be checked: {error}") from error


def _is_whole(rest: list[inspect.Parameter], hints: Mapping[str, Any]) -> bool:
    if len(rest) != 1 or rest[0].kind is inspect.Parameter.VAR_KEYWORD:
        return False
    kind = hints.get(rest[0].name)
    return rest[0].name == "payload" or (inspect.isclass(kind) and issubclass(kind, BaseModel))


def _whole(parameter: inspect.Parameter, hints: Mapping[str, Any]) -> Callable[[Any], Any]:
    adapter = TypeAdapter[Any](hints.get(parameter.name, Any))

    def arguments(payload: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        with _Refusing():
            return (), {parameter.name: adapter.validate_python(payload)}

    return arguments


def _fields(function: Function, rest: list[inspect.Parameter], hints: Mapping[str, Any]) -> Callable[[Any], Any]:
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in rest)
    named = [parameter for parameter in rest if parameter.kind is not parameter.VAR_KEYWORD]
    fields: dict[str, Any] = {
        parameter.name: (
            hints.get(parameter.name, Any),
            ... if parameter.default is parameter.empty else parameter.default,
        )
        for parameter in named
    }
    config = ConfigDict(extra="allow", arbitrary_types_allowed=True) if takes_any else STRICT
    model = create_model(function.__name__, __config__=config, **fields)

    def arguments(payload: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        with _Refusing():
            found = model.model_validate({} if payload is None else payload)
            return (), {name: getattr(found, name) for name in (*fields, *(found.model_extra or ()))}

    return arguments


class _Refusing:
    """Pydantic's refusals leave as PayloadInvalid, with the field and without the value."""

    def __enter__(self) -> None:
        """Nothing."""

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, ValidationError):
            found = error.errors(include_url=False, include_input=False)
            told = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'payload'}: {one['msg']}" for one in found[:5])
            field = ".".join(("payload", *map(str, found[0]["loc"])))
            raise PayloadInvalid(f"the payload is not what the handler takes: {told}", field=field) from error
