"""The operation on the past of health checks: what it is asked, what it answers, what it does."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from claudia_core.api.contract.inputs import Input
from claudia_core.api.contract.outputs import Output
from claudia_core.app import Claudia
from claudia_core.model.times import to_text
from claudia_core.services import rollups


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
