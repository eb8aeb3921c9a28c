"""A look at the last calls to services: off until somebody turns it on, bounded, without secrets."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from claudia_core.capture.scrubbing import Scrubber
from claudia_core.errors import Conflict, InvalidValue
from claudia_core.logs import get_logger
from claudia_core.model.times import require_utc, to_text, utc_now
from claudia_core.model.values import clean_text

log = get_logger(__name__)

KEPT = 1_000
EXCERPT = 2_000
"""Most calls, and most characters of a request or an answer, that are kept."""

LOOKED_AT = 20_000
MOST_MINUTES = 24 * 60.0
EVERY = "*"
MOST_ON = 1_000
"""Names that it can be turned on for at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenCall:
    """One call as it went; `outcome` is `ok`, `error` or `refused`, `seconds` how long it took."""

    time: datetime
    integration: str
    operation: str
    outcome: str
    seconds: float
    error: str = ""
    request: str = ""
    response: str = ""

    def to_document(self) -> dict[str, Any]:
        """As plain JSON."""
        names = ("integration", "operation", "outcome", "seconds", "error", "request", "response")
        return {"time": to_text(self.time), **{name: getattr(self, name) for name in names}}


class CallSeen(NamedTuple):
    """A call that has ended just now, as listeners get it: without requests and answers, and without secrets."""

    integration: str
    operation: str
    outcome: str
    seconds: float
    error: str


class Debugger:
    """Keeps the last calls of the integrations it is turned on for; safe for many threads.

    Args:
        scrubber: the rules by which secrets are taken out.
        always: keep the calls of all integrations, as is right in development.
        keep: most calls kept.
        now: the clock.
    """

    def __init__(
        self,
        scrubber: Scrubber | None = None,
        *,
        always: bool = False,
        keep: int = KEPT,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self.listeners: list[Callable[[CallSeen], object]] = []
        self._scrubber = scrubber or Scrubber()
        self._always = always
        self._now = now
        self._until: dict[str, datetime] = {}
        self._calls: deque[SeenCall] = deque(maxlen=keep)
        self._lock = threading.Lock()

    def turn_on(self, integration: str = EVERY, minutes: float = 15.0) -> datetime:
        """Keep the calls of an integration, or of all, for so many minutes; returns when that ends.

        Raises:
            InvalidValue: not a number of minutes up to a day.
            Conflict: it is turned on for as many as may be.
        """
        if not 0 < minutes <= MOST_MINUTES:
            raise InvalidValue(f"minutes is {minutes!r}", field="minutes", hint=f"use a number up to {MOST_MINUTES:g}")
        now = self._now()
        until = now + timedelta(minutes=minutes)
        with self._lock:
            self._until = {name: end for name, end in self._until.items() if end > now}
            if len(self._until) >= MOST_ON and integration not in self._until:
                raise Conflict(f"the calls of {MOST_ON} services are kept now", hint=f"use {EVERY} for all")
            self._until[integration] = until
        return until

    def turn_off(self, integration: str = EVERY) -> None:
        """Keep no more of them; for all, of none. What was kept stays."""
        with self._lock:
            if integration == EVERY:
                self._until.clear()
            self._until.pop(integration, None)

    def is_on(self, integration: str) -> bool:
        """Whether its calls are kept now."""
        if self._always:
            return True
        if not self._until:
            return False
        now = self._now()
        with self._lock:
            return any(self._until.get(name, now) > now for name in (integration, EVERY))

    def note(
        self,
        integration: str,
        operation: str,
        outcome: str,
        seconds: float,
        *,
        error: str = "",
        request: Any = None,
        response: Any = None,
    ) -> None:
        """Keep a call where it is turned on. Texts, bytes and JSON values are taken as excerpts."""
        if self.listeners:
            self._tell(CallSeen(integration, self._excerpt(operation)[:200], outcome, seconds, self._excerpt(error)))
        if not self.is_on(integration):
            return
        call = SeenCall(
            time=self._now(),
            integration=integration,
            operation=self._excerpt(operation)[:200],
            outcome=outcome,
            seconds=seconds,
            error=self._excerpt(error),
            request=self._excerpt(request),
            response=self._excerpt(response),
        )
        with self._lock:
            self._calls.append(call)

    def _tell(self, call: CallSeen) -> None:
        for listener in [*self.listeners]:
            try:
                listener(call)
            except Exception as error:  # noqa: BLE001 - whoever listens must not hurt the call
                log.warning("a listener to calls failed", error=repr(error))

    def calls(
        self,
        *,
        integration: str | None = None,
        operation: str | None = None,
        outcome: str | None = None,
        since: datetime | None = None,
        limit: int = 100,
    ) -> list[SeenCall]:
        """The calls that match all filters, newest first.

        Raises:
            InvalidValue: `since` has no timezone.
        """
        earliest = None if since is None else require_utc(since, "since")
        wanted = {"integration": integration, "operation": operation, "outcome": outcome}
        with self._lock:
            kept = list(self._calls)
        found = (
            call
            for call in reversed(kept)
            if (earliest is None or call.time >= earliest)
            and all(value is None or getattr(call, name) == value for name, value in wanted.items())
        )
        return [call for call, _ in zip(found, range(limit), strict=False)]

    def clear(self) -> None:
        """Forget all calls."""
        with self._lock:
            self._calls.clear()

    def excerpt(self, value: Any) -> str:
        """The beginning of a text, of bytes or of a JSON value, without secrets."""
        return self._excerpt(value)

    def _excerpt(self, value: Any) -> str:
        if value is None:
            return ""
        if isinstance(value, bytes | bytearray):
            value = bytes(value[:LOOKED_AT]).decode(errors="replace")
        elif not isinstance(value, str):
            plain = self._scrubber.mapping(value) if isinstance(value, Mapping) else self._scrubber.value(value)
            value = json.dumps(plain, ensure_ascii=False, default=str)
        return clean_text(self._scrubber.text(value[:LOOKED_AT]), EXCERPT)
