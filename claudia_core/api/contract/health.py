"""Operations on health checks: what they are asked, what they answer, what they do."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from claudia_core.api.contract.inputs import Input, Nothing
from claudia_core.api.contract.outputs import Output
from claudia_core.app import Claudia
from claudia_core.model.health import HealthReport
from claudia_core.model.times import to_optional_text, to_text, utc_now
from claudia_core.services import rollups
from claudia_core.services.health import Standing


class HealthHistory(Input):
    """The past of one check, as a server saw it."""

    check: str = Field(min_length=1, max_length=100)
    days: Annotated[int, Field(ge=1, le=400, description="How far back.")] = 90
    hourly: bool = Field(False, description="By hour instead of by day.")


class HealthPeriodOut(Output):
    """A day or an hour of one check."""

    start: datetime
    passed: int = Field(description="Runs that were well.")
    warned: int
    failed: int
    availability: float = Field(description="The share of runs that did not fail, 0 to 1.")
    mean_seconds: float


class HealthHistoryOut(Output):
    """Days or hours in which the check was run, oldest first."""

    items: list[HealthPeriodOut]


class RunChecks(Input):
    """Run checks now, and count the run."""

    name: str | None = Field(None, max_length=100, description="One check; all of the process that answers by default.")


class StandingOut(Output):
    """How a check stands, as the process that runs it saved it."""

    name: str
    status: str | None = Field(None, description="pass, warn or fail; null where it has not been run yet.")
    output: str = ""
    seconds: float = Field(description="How long the last run took.")
    at: datetime | None = Field(None, description="When it was run last.")
    since: datetime | None = Field(None, description="When its status began.")
    failed_at: datetime | None = Field(None, description="When it failed last.")
    failure: str = Field("", description="What it said then.")
    every: float = Field(description="Seconds between two runs.")
    after: list[str] = Field(description="Checks that silence it while they fail.")
    silenced_by: str = Field("", description="The check that fails and silences it now.")
    missed: bool = Field(description="Whether no process has run it for long.")
    here: bool = Field(description="Whether the process that answers runs it.")


class StandingListOut(Output):
    """Checks by name."""

    items: list[StandingOut]


def list_checks(hub: Claudia, _: Nothing) -> dict[str, Any]:
    return {"items": [_told(standing) for standing in hub.health.standings()]}


def run_checks(hub: Claudia, asked: RunChecks) -> dict[str, Any]:
    found = hub.health.run(asked.name, through=hub.acts_on)
    return HealthReport(utc_now(), tuple(found.values())).to_document()


def _told(standing: Standing) -> dict[str, Any]:
    names = ("name", "output", "failure", "every", "silenced_by")
    return {
        **{name: getattr(standing, name) for name in names},
        "status": None if standing.status is None else standing.status.value,
        "seconds": round(standing.seconds, 6),
        "at": to_optional_text(standing.at),
        "since": to_optional_text(standing.since),
        "failed_at": to_optional_text(standing.failed_at),
        "after": [*standing.after],
        "missed": standing.is_missed(utc_now()),
        "here": standing.is_here,
    }


def health_history(hub: Claudia, asked: HealthHistory) -> dict[str, Any]:
    width = rollups.HOUR if asked.hourly else 24 * rollups.HOUR
    found = hub.health.history(asked.check, days=asked.days, width=width)
    return {
        "items": [
            {
                "start": to_text(period.start),
                "passed": period.passed,
                "warned": period.warned,
                "failed": period.failed,
                "availability": round(period.availability, 6),
                "mean_seconds": round(period.mean_seconds, 6),
            }
            for period in found
        ]
    }
