"""The state of a circuit on Redis: processes on many machines leave a service alone together, and one of them tries it.

Each change is one script on the server, whose clock counts, so that there is one probe at a time however many
processes ask. A closed circuit costs no question per call: what is known of it is believed for `FRESH` seconds. While
the server is away each process has a circuit of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import redis

from claudia_core.errors import SettingsError
from claudia_core.logs import get_logger
from claudia_core.resilience.breaker import Admission, Circuit, CircuitState, MemoryState, Rules

log = get_logger(__name__)

FRESH = 0.5
"""Seconds for which a circuit that was found closed is believed to be closed."""

AWAY = 1.0
"""Seconds for which a server that did not answer is left alone."""

TIMEOUT = 1.0
KEPT = 86_400
"""Seconds after its last change for which a circuit is remembered."""

FOREIGN = -1
"""The ticket of a call that was admitted while the server was away."""

_BEGIN = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local found = redis.call('HMGET', KEYS[1], 'circuit', 'failures', 'generation', 'until')
local circuit, failures = found[1] or 'closed', tonumber(found[2] or '0')
local generation, till = tonumber(found[3] or '0'), tonumber(found[4] or '0')
local reset, verdict = tonumber(ARGV[1]), 0
local function turn(to, at)
  circuit, till, generation = to, at, generation + 1
end
local function save()
  redis.call('HSET', KEYS[1], 'circuit', circuit, 'failures', failures, 'generation', generation, 'until', till)
  redis.call('EXPIRE', KEYS[1], math.max(tonumber(ARGV[2]), math.ceil(reset / 1000) * 2))
end
"""

_END = """
return {circuit, failures, generation, math.max(0, till - now), verdict}
"""

_ADMIT = f"""{_BEGIN}
if circuit == 'closed' then
  verdict = 1
elseif now >= till then
  turn('half_open', now + reset)
  save()
  verdict = 2
end
{_END}"""

_SUCCEEDED = f"""{_BEGIN}
if tonumber(ARGV[3]) == generation and failures > 0 then
  failures = 0
  if circuit == 'half_open' then
    turn('closed', 0)
    verdict = 1
  end
  save()
end
{_END}"""

_FAILED = f"""{_BEGIN}
if tonumber(ARGV[3]) == generation then
  failures = failures + 1
  if circuit ~= 'closed' or failures >= tonumber(ARGV[4]) then
    turn('open', now + reset)
    verdict = 1
  end
  save()
end
{_END}"""

_ABANDONED = f"""{_BEGIN}
if tonumber(ARGV[3]) == generation and circuit == 'half_open' then
  turn('open', now)
  save()
end
{_END}"""


class SharedCircuits:
    """Makes the circuits of one Redis.

    Args:
        url: of the Redis.
        prefix: before every key.

    Raises:
        SettingsError: the address cannot be read.
    """

    def __init__(self, url: str, *, prefix: str = "claudia") -> None:
        try:
            client = redis.Redis.from_url(url, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT)
        except ValueError as error:
            hint = "redis://HOST:6379/0"
            raise SettingsError("the Redis address cannot be read", field="redis_url", hint=hint) from error
        self._prefix = prefix
        self._client = client

    def of(self, name: str, rules: Rules) -> CircuitState:
        """The circuit of a service."""
        return RedisState(self._client, f"{self._prefix}:circuit:{name}", rules)

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()


class RedisState:
    """See `CircuitState`; its times are this process's, counted from what the server says is left."""

    def __init__(
        self, client: redis.Redis, key: str, rules: Rules, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._alone = MemoryState(rules)
        self._rules = rules
        self._now = now
        self._key = key
        self._scripts = {
            name: client.register_script(text)
            for name, text in (("admit", _ADMIT), ("well", _SUCCEEDED), ("failed", _FAILED), ("left", _ABANDONED))
        }
        self._circuit, self._until = Circuit.CLOSED, 0.0
        self._failures = self._generation = 0
        self._known_at = self._away_until = float("-inf")

    @property
    def circuit(self) -> Circuit:
        """The present state, as it is known here."""
        if self._is_away():
            return self._alone.circuit
        if not self._is_fresh():
            self._ask("left", FOREIGN)  # decides nothing, and tells how it stands
        return self._circuit

    @property
    def until(self) -> float:
        """See `CircuitState.until`."""
        return self._alone.until if self._is_away() else self._until

    def admit(self, now: float) -> Admission | None:
        """See `CircuitState.admit`."""
        if self._circuit is Circuit.CLOSED and self._is_fresh():
            return Admission(self._generation, False)
        verdict = self._ask("admit")
        if verdict is None:
            alone = self._alone.admit(now)
            return None if alone is None else Admission(FOREIGN - alone.ticket, alone.is_probe)
        return Admission(self._generation, verdict == 2) if verdict else None

    def succeeded(self, ticket: int) -> bool:
        """See `CircuitState.succeeded`."""
        if ticket <= FOREIGN:
            return self._alone.succeeded(FOREIGN - ticket)
        if not self._failures and self._circuit is Circuit.CLOSED:
            return False
        return self._ask("well", ticket) == 1

    def failed(self, ticket: int, now: float) -> bool:
        """See `CircuitState.failed`."""
        if ticket <= FOREIGN:
            return self._alone.failed(FOREIGN - ticket, now)
        verdict = self._ask("failed", ticket, self._rules.failures)
        return self._alone.failed(self._alone_ticket(now), now) if verdict is None else verdict == 1

    def abandoned(self, ticket: int, now: float) -> None:
        """See `CircuitState.abandoned`."""
        if ticket <= FOREIGN:
            self._alone.abandoned(FOREIGN - ticket, now)
        else:
            self._ask("left", ticket)

    def _alone_ticket(self, now: float) -> int:
        """For a failure that cannot be told to the server any more."""
        alone = self._alone.admit(now)
        return FOREIGN if alone is None else alone.ticket

    def _is_fresh(self) -> bool:
        return self._now() - self._known_at < FRESH

    def _is_away(self) -> bool:
        return self._now() < self._away_until

    def _ask(self, script: str, *arguments: int) -> int | None:
        """Run a script and take over how the circuit stands; None where the server does not answer."""
        if self._is_away():
            return None
        reset = max(1, int(self._rules.reset * 1000))
        try:
            answer: Any = self._scripts[script](keys=[self._key], args=[reset, KEPT, *arguments])
        except redis.RedisError as error:
            log.warning("a shared circuit cannot be asked for; this process has its own", error=type(error).__name__)
            self._away_until = self._now() + AWAY
            return None
        circuit, failures, generation, left, verdict = answer
        self._circuit, self._failures, self._generation = Circuit(circuit.decode()), failures, generation
        self._known_at = self._now()
        self._until = 0.0 if self._circuit is Circuit.CLOSED else self._known_at + left / 1000
        return int(verdict)
