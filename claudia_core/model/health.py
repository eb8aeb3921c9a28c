"""Whether a part of the system is well."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from claudia_core.model.times import to_text


class Health(StrEnum):
    """The three states of the health+json format, from well to ill."""

    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"


_ORDER = list(Health)


@dataclass(frozen=True, slots=True)
class Check:
    """One check's outcome; `seconds` is how long it took, `output` what it says when it is not a pass."""

    name: str
    status: Health
    output: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class HealthReport:
    """Several checks at one time; the worst of them is the report's status."""

    time: datetime
    checks: tuple[Check, ...]

    @property
    def status(self) -> Health:
        """The worst status among the checks; `pass` when there are none."""
        return max((check.status for check in self.checks), key=_ORDER.index, default=Health.PASS)

    def to_document(self) -> dict[str, Any]:
        """As `application/health+json` (draft-inadarei-api-health-check-06)."""
        return {
            "status": self.status.value,
            "time": to_text(self.time),
            "checks": {
                check.name: [
                    {
                        "status": check.status.value,
                        "output": check.output,
                        "observedValue": round(check.seconds * 1000, 3),
                        "observedUnit": "ms",
                    }
                ]
                for check in self.checks
            },
        }
