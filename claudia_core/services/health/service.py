"""The registry of checks: run together, each within its time."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from claudia_core.errors import ClaudiaError, InvalidValue, NotFound
from claudia_core.model.health import Check, Health, HealthReport
from claudia_core.model.times import require_utc, utc_now
from claudia_core.model.values import require_text
from claudia_core.ports import Query, Store
from claudia_core.services import rollups
from claudia_core.services.health.history import HealthPeriod, note, periods
from claudia_core.services.health.past import Past
from claudia_core.services.health.registered import Probe, Registered
from claudia_core.services.health.standing import Rules, Standing, joined, standing_of

LOW_DISK = 1_000_000_000
NO_DISK = 100_000_000
"""Bytes free below which the disk check warns, and fails."""

MOST_CHECKS = 1_000
MOST_SECONDS = 300.0


class HealthChecks:
    """Runs named checks; `store` and, for a store on disk, `disk` are always there."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._checks: dict[str, Registered] = {}
        self._past = Past(store)
        self.register("store", self._probe_store)
        path = getattr(store, "path", None)
        if path is not None:
            self.register("disk", lambda: _probe_disk(path))

    def register(
        self,
        name: str,
        probe: Probe,
        *,
        timeout: float = 5.0,
        every: float = 15.0,
        failures: int = 1,
        successes: int = 1,
        after: Sequence[str] = (),
        ready: bool = False,
    ) -> None:
        """Add a check, or replace the one of this name.

        Args:
            name: what people read.
            probe: a function or coroutine function that answers whether all is well: None, True or False, a `Health`, a
                pair of it and words, or a dict with `status`. What it raises is a fail.
            timeout: seconds after which no answer is a fail. A function that hangs is not called again meanwhile.
            every: seconds between two runs on a server.
            failures: fails in a row until it counts as one; before, it warns.
            successes: others in a row until it counts as well again.
            after: checks on which it depends: while one of them fails, this one is silent.
            ready: whether `/readyz` asks for it, too.

        Raises:
            InvalidValue: a value is out of range, there are 1,000 checks, or it would depend on itself.
        """
        require_text(name, "name", 100)
        for field, value in (("timeout", timeout), ("every", every)):
            if not 0 < value <= MOST_SECONDS * (1 if field == "timeout" else 288):
                raise InvalidValue(f"{field} is {value!r}", field=field, hint="use seconds, more than 0")
        for field, number in (("failures", failures), ("successes", successes)):
            if not 1 <= number <= 100:
                raise InvalidValue(f"{field} is {number!r}", field=field, hint="use 1 to 100")
        made = Registered(
            name=name,
            probe=probe,
            timeout=timeout,
            every=every,
            failures=failures,
            successes=successes,
            after=tuple(after),
            ready=ready,
        )
        with self._lock:
            if name not in self._checks and len(self._checks) >= MOST_CHECKS:
                raise InvalidValue(f"there are {MOST_CHECKS:,} checks already", field="name")
            if self._leads_to(after, name):
                raise InvalidValue(f"{name} would depend on itself", field="after", hint="leave out the circle")
            self._checks[name] = made

    def unregister(self, name: str) -> None:
        """Take a check away; nothing happens when there is none of this name."""
        with self._lock:
            self._checks.pop(name, None)

    def _leads_to(self, after: Iterable[str], name: str) -> bool:
        seen: set[str] = set()
        waiting = list(after)
        while waiting:
            parent = waiting.pop()
            if parent == name:
                return True
            if parent not in seen and parent in self._checks:
                seen.add(parent)
                waiting += self._checks[parent].after
        return False

    def report(self, *, ready: bool = False, max_age: float = 0.0) -> HealthReport:
        """Run every check at the same time, and wait for the slowest within its time; not for those that hang.

        Args:
            ready: only those that `/readyz` asks for.
            max_age: take what a check came to within so many seconds before, instead of running it.
        """
        with self._lock:
            chosen = [check for check in self._checks.values() if check.ready or not ready]
        return HealthReport(utc_now(), tuple(self._silenced(self._run(chosen, max_age))))

    def watch(self) -> HealthReport:
        """Run the checks whose time has come, and remember how they stand; what a server does every few seconds."""
        with self._lock:
            now = time.monotonic()
            due = {check.name for check in self._checks.values() if now - check.watched_at >= check.every}
            for name in due:
                self._checks[name].watched_at = now
            chosen = list(self._checks.values())
        self._run([check for check in chosen if check.name in due], 0.0)
        known = [check.last for check in chosen if check.last is not None]
        report = HealthReport(utc_now(), tuple(self._silenced(known)))
        self._note([check for check in report.checks if check.name in due], self._store)
        return report

    def run(self, name: str | None = None, *, through: Store | None = None) -> dict[str, Check]:
        """Run a check now, or all that this process runs, and remember how they stand; by name.

        Args:
            name: one check; None for all.
            through: what is written through, where it is not the hub's own store.

        Raises:
            NotFound: this process runs no check of that name.
        """
        with self._lock:
            chosen = [check for check in self._checks.values() if name in (None, check.name)]
        if name is not None and not chosen:
            raise NotFound(f"this process runs no check {name!r:.80}", field="name", hint="ask the one that does")
        ran = self._silenced(self._run(chosen, 0.0))
        self._note(ran, through or self._store)
        return {check.name: check for check in ran}

    def standings(self) -> list[Standing]:
        """How every check stands that a process on this store runs or ran, by name."""
        saved = self._store.find(Query("checks", limit=MOST_CHECKS)).documents
        return joined(map(standing_of, saved), self._rules())

    def days(self, names: Sequence[str], days: int = 90) -> dict[str, list[HealthPeriod]]:
        """Each day on which checks were run, oldest first, by name; cheap to ask often."""
        return self._past.days(names, days)

    def history(
        self, name: str, *, days: float = 90.0, end: datetime | None = None, width: int = 24 * rollups.HOUR
    ) -> list[HealthPeriod]:
        """How a check stood on each day, oldest first; with `width` 3,600 in each hour.

        Raises:
            InvalidValue: `width` is not whole hours, or `end` has no timezone.
        """
        if width < rollups.HOUR or width % rollups.HOUR:
            raise InvalidValue(f"width is {width!r}", field="width", hint="use whole hours in seconds")
        last = utc_now() if end is None else require_utc(end, "end")
        return periods(self._store, name, last - timedelta(days=days), last, width)

    def _rules(self) -> dict[str, Rules]:
        with self._lock:
            return {check.name: Rules(check.every, check.after) for check in self._checks.values()}

    def _note(self, ran: Sequence[Check], store: Store) -> None:
        rules = self._rules()
        told = [check for check in ran if check.name in rules]
        if told:
            store.write(lambda tx: note(tx, told, rules)).result()

    def _run(self, chosen: Sequence[Registered], max_age: float) -> list[Check]:
        now, started = time.monotonic(), time.perf_counter()
        fresh = {check.name for check in chosen if now - check.last_at < max_age}
        running = {check.name: check.begin() for check in chosen if check.name not in fresh}
        found = []
        for check in chosen:
            if check.name in running:
                found.append(check.end(running[check.name], started + check.timeout))
            elif check.last is not None:
                found.append(check.last)
        return found

    def _silenced(self, checks: Sequence[Check]) -> list[Check]:
        """The same, where those say so that depend on one that fails."""
        with self._lock:
            failing = {check.name for check in self._checks.values() if check.last and check.last.status is Health.FAIL}
            return [
                check if (cause := self._cause(check.name, failing)) is None else replace(check, silenced_by=cause)
                for check in checks
            ]

    def _cause(self, name: str, failing: set[str]) -> str | None:
        """The first failing check that this one depends on, also by others."""
        waiting = list(self._checks[name].after) if name in self._checks else []
        while waiting:
            parent = waiting.pop(0)
            if parent in failing:
                return parent
            waiting += self._checks[parent].after if parent in self._checks else ()
        return None

    def _probe_store(self) -> tuple[Health, str]:
        try:
            self._store.head()
        except ClaudiaError as error:
            return Health.FAIL, str(error)
        writer = getattr(self._store, "writer", None)
        if writer is not None and writer.is_failing:
            return Health.WARN, f"writes fail; {writer.waiting_posts} progress updates wait in memory"
        return Health.PASS, ""


def _probe_disk(path: Path) -> tuple[Health, str]:
    free = shutil.disk_usage(path.parent).free
    if free < NO_DISK:
        return Health.FAIL, f"only {free / 1e6:.0f} MB free where {path} is"
    if free < LOW_DISK:
        return Health.WARN, f"only {free / 1e6:.0f} MB free where {path} is"
    return Health.PASS, ""
