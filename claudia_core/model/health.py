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
    """One check's outcome; `seconds` is how long it took, `output` what it says when it is not a pass.

    `silenced_by` names the check that fails and on which this one depends: it counts for nothing meanwhile.
    """

    name: str
    status: Health
    output: str = ""
    seconds: float = 0.0
    silenced_by: str = ""


@dataclass(frozen=True, slots=True)
class HealthReport:
    """Several checks at one time; the worst of them is the report's status."""

    time: datetime
    checks: tuple[Check, ...]

    @property
    def status(self) -> Health:
        """The worst status among the checks that are not silenced; `pass` when there are none."""
        counted = (check.status for check in self.checks if not check.silenced_by)
        return max(counted, key=_ORDER.index, default=Health.PASS)

    def to_document(self) -> dict[str, Any]:
        """As `application/health+json` (draft-inadarei-api-health-check-06)."""
        return {
            "status": self.status.value,
            "time": to_text(self.time),
            "checks": {
                check.name: [
                    {
                        "status": check.status.value,
                        "output": f"silenced by {check.silenced_by}: {check.output}"
                        if check.silenced_by
                        else check.output,
                        "observedValue": round(check.seconds * 1000, 3),
                        "observedUnit": "ms",
                    }
                ]
                for check in self.checks
            },
        }
