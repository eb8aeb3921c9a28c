"""How a check stands, as every process on the store sees it: what the one that runs it saved last."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NamedTuple

from claudia_core.model.health import Check, Health
from claudia_core.model.times import from_optional_text, to_text
from claudia_core.ports import Document

RUNS_KEPT = 30
"""Last runs of a check whose seconds are kept."""

MISSED = 3.0
"""Times that a check may be due without a run before nobody seems to run it any more."""

LATE = timedelta(minutes=1)

FORGOTTEN = timedelta(days=7)
"""A check that was last run so long before the others is no longer listed."""


class Rules(NamedTuple):
    """What others must know of a check's rules: the seconds between two runs, and what it depends on."""

    every: float
    after: tuple[str, ...] = ()


class Run(NamedTuple):
    """One run: what it came to, and the seconds it took."""

    status: Health
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A check as it stands. `status` is None where it has not been run yet.

    `since` is when the status began, `at` when it was run last; `failed_at` and `failure` are the last fail's; `runs`
    are the last ones, oldest first. `after` are the checks that silence this one while they fail, and `silenced_by`
    the one that does now; `is_here` is whether this process runs it.
    """

    name: str
    status: Health | None = None
    output: str = ""
    seconds: float = 0.0
    at: datetime | None = None
    since: datetime | None = None
    failed_at: datetime | None = None
    failure: str = ""
    every: float = 0.0
    after: tuple[str, ...] = ()
    silenced_by: str = ""
    runs: tuple[Run, ...] = ()
    is_here: bool = False

    def is_missed(self, now: datetime) -> bool:
        """Whether no process has run it for long: what it says may no longer be so."""
        return self.at is not None and now - self.at > timedelta(seconds=MISSED * self.every) + LATE


def noted(found: Document | None, check: Check, rules: Rules, now: datetime) -> Document:
    """A check's document after a run. While it is silenced, its state and its past stay what they were."""
    known = found or {"id": check.name, "status": Health.PASS.value, "output": "", "since": to_text(now)}
    ran = {"at": to_text(now), "every": rules.every, "after": [*rules.after], "silenced_by": check.silenced_by}
    if check.silenced_by:
        return {**known, **ran}
    told = {**known, **ran, "status": check.status.value, "output": check.output, "seconds": check.seconds}
    told["runs"] = [*known.get("runs", ()), [check.status.value, round(check.seconds, 6)]][-RUNS_KEPT:]
    if known["status"] != check.status:
        told["since"] = to_text(now)
    if check.status is Health.FAIL:
        told |= {"failed_at": to_text(now), "failure": check.output}
    return told


def standing_of(document: Document) -> Standing:
    """The standing that a document tells."""
    return Standing(
        name=document["id"],
        status=Health(document["status"]),
        output=document["output"],
        seconds=document.get("seconds", 0.0),
        at=from_optional_text(document.get("at")),
        since=from_optional_text(document["since"]),
        failed_at=from_optional_text(document.get("failed_at")),
        failure=document.get("failure", ""),
        every=document.get("every", 0.0),
        after=tuple(document.get("after", ())),
        silenced_by=document.get("silenced_by", ""),
        runs=tuple(Run(Health(status), seconds) for status, seconds in document.get("runs", ())),
    )


def joined(saved: Iterable[Standing], here: dict[str, Rules]) -> list[Standing]:
    """What was saved and what this process runs, which may not have been run yet; by name.

    Left out is what nobody runs any more while others are run: it was renamed, or is no longer needed.
    """
    known = {one.name: one for one in saved}
    newest = max((one.at for one in known.values() if one.at is not None), default=None)
    known = {
        name: one
        for name, one in known.items()
        if name in here or one.at is None or newest is None or newest - one.at < FORGOTTEN
    }
    for name, rules in here.items():
        before = known.get(name, Standing(name=name))
        known[name] = replace(before, every=rules.every, after=rules.after, is_here=True)
    return [known[name] for name in sorted(known, key=str.casefold)]
