"""One registered check: how it is run within its time, and what its answers come to."""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from claudia_core.errors import InvalidValue
from claudia_core.model.health import Check, Health
from claudia_core.model.values import clean_text, shown

type Probe = Callable[[], Any] | Callable[[], Awaitable[Any]]
"""Answers a status, or nothing when all is well; see `answer_of`."""

MOST_OUTPUT = 500
WORDS: Mapping[object, Health] = {
    **{status.value: status for status in Health},
    **{"healthy": Health.PASS, "ok": Health.PASS, "up": Health.PASS},
    **{"degraded": Health.WARN, "warning": Health.WARN},
    **{"unhealthy": Health.FAIL, "error": Health.FAIL, "down": Health.FAIL},
    **{True: Health.PASS, False: Health.FAIL, None: Health.PASS},
}


def answer_of(answer: Any) -> tuple[Health, str]:
    """What a probe's answer means, and what it says.

    None and True are a pass, False is a fail; a status is itself, also by its word or as `healthy` and `unhealthy`; a
    pair brings words; a dict has `status` and may have `output`, `error` or `message`.

    Raises:
        InvalidValue: it means nothing.
    """
    output = ""
    if isinstance(answer, tuple) and len(answer) == 2:
        answer, output = answer
    elif isinstance(answer, Mapping):
        told = next((answer[name] for name in ("output", "error", "message") if answer.get(name)), "")
        answer, output = answer.get("status", "nothing"), told
    word = answer.lower() if isinstance(answer, str) and not isinstance(answer, Health) else answer
    if isinstance(word, str | bool | None) and word in WORDS:
        return WORDS[word], clean_text(str(output), MOST_OUTPUT, "output")
    hint = "answer pass, warn or fail, a pair of that and words, True or False"
    raise InvalidValue(f"the probe answered {shown(answer)}", field="probe", hint=hint)


@dataclass(kw_only=True)
class Registered:
    """A check with its rules; see `HealthChecks.register` for them."""

    name: str
    probe: Probe
    timeout: float = 5.0
    every: float = 15.0
    failures: int = 1
    successes: int = 1
    after: tuple[str, ...] = ()
    ready: bool = False
    state: Health = Health.PASS
    last: Check | None = None
    last_at: float = float("-inf")
    watched_at: float = float("-inf")
    _running: Future[tuple[Health, str]] | None = None
    _began: float = 0.0
    _bad: int = 0
    _good: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self) -> Future[tuple[Health, str]]:
        """Run the probe on a thread of its own; one that has not come back yet is not run twice."""
        with self._lock:
            if self._running is None or self._running.done():
                self._running = Future()
                self._began = time.perf_counter()
                arguments = (self._running,)
                threading.Thread(
                    target=self._run, args=arguments, name=f"claudia-check-{self.name}", daemon=True
                ).start()
            return self._running

    def _run(self, done: Future[tuple[Health, str]]) -> None:
        try:
            answer = self.probe()
            if inspect.isawaitable(answer):
                answer = asyncio.run(_within(answer, self.timeout))
            done.set_result(answer_of(answer))
        except TimeoutError as error:
            done.set_result((Health.FAIL, str(error) or f"no answer within {self.timeout:g} s"))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a check that breaks is a finding, not the end of the report
            done.set_result((Health.FAIL, clean_text(f"{type(error).__name__}: {error}", MOST_OUTPUT, "output")))

    def end(self, running: Future[tuple[Health, str]], deadline: float) -> Check:
        """What came of it, waiting until `deadline` at most, judged by the thresholds."""
        try:
            latest = min(deadline, self._began + self.timeout)  # one that hangs since the last run is not waited for
            status, output = running.result(max(0.0, latest - time.perf_counter()))
        except TimeoutError:
            status, output = Health.FAIL, f"no answer within {self.timeout:g} s"
        with self._lock:
            check = Check(self.name, self._judged(status), output, time.perf_counter() - self._began)
            self.last, self.last_at = check, time.monotonic()
        return check

    def _judged(self, status: Health) -> Health:
        """One failure, or one success, does not turn it round where more are asked for; meanwhile it warns."""
        if status is Health.FAIL:
            self._bad, self._good = self._bad + 1, 0
            if self._bad >= self.failures:
                self.state = Health.FAIL
            return self.state if self.state is Health.FAIL else Health.WARN
        self._good, self._bad = self._good + 1, 0
        if self.state is Health.FAIL and self._good < self.successes:
            return Health.FAIL
        self.state = status
        return status


async def _within(answer: Awaitable[Any], timeout: float) -> Any:  # noqa: ASYNC109 - applied right here
    async with asyncio.timeout(timeout):
        return await answer
