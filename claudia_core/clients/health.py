"""Health of a hub elsewhere: the same methods as in `services.health`, carried out by requests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from claudia_core.clients.http import Connection
from claudia_core.errors import InvalidValue, StoreError
from claudia_core.model.health import Check, Health, HealthReport
from claudia_core.model.times import from_optional_text, from_text, utc_now
from claudia_core.ports import Store
from claudia_core.services import rollups
from claudia_core.services.health import HealthChecks, HealthPeriod, Probe, Standing

DAY = 24 * rollups.HOUR


class RemoteHealth(HealthChecks):
    """See `services.HealthChecks`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def register(self, name: str, probe: Probe, **rules: Any) -> None:  # noqa: ARG002 - the same method as there
        """Raises StoreError: checks belong to the process that runs them."""
        raise StoreError(f"the check {name} cannot run in a hub elsewhere", hint="register it where the hub runs")

    def report(self, *, ready: bool = False, max_age: float = 0.0) -> HealthReport:  # noqa: ARG002 - as there
        """See `services.HealthChecks`."""
        found = self._connection.ask("health.get")
        return HealthReport(from_text(found["time"]), tuple(_checks(found)))

    def run(self, name: str | None = None, *, through: Store | None = None) -> dict[str, Check]:  # noqa: ARG002 - as there
        """See `services.HealthChecks`; the checks of the process that answers are run."""
        found = self._connection.ask("health.run", name=name)
        return {check.name: check for check in _checks(found)}

    def standings(self) -> list[Standing]:
        """See `services.HealthChecks`; without the last runs. `is_here` is of the process that answers."""
        return [_standing(told) for told in self._connection.ask("health.checks")["items"]]

    def history(
        self, name: str, *, days: float = 90.0, end: datetime | None = None, width: int = DAY
    ) -> list[HealthPeriod]:
        """See `services.HealthChecks`; by hour or by day, and up to now.

        Raises:
            InvalidValue: another width, or an end.
        """
        if width not in (rollups.HOUR, DAY) or end is not None:
            hint = "use a width of 3,600 or 86,400, and no end"
            raise InvalidValue("a hub elsewhere tells hours or days up to now", field="width", hint=hint)
        whole = max(1, round(days))
        found = self._connection.ask("health.history", check=name, days=whole, hourly=width == rollups.HOUR)
        start = utc_now() - timedelta(days=days, seconds=width)
        periods = [_period(told) for told in found["items"]]
        return [period for period in periods if period.start >= start]

    def days(self, names: Sequence[str], days: int = 90) -> dict[str, list[HealthPeriod]]:
        """See `services.HealthChecks`; a request for each check."""
        return {name: self.history(name, days=days) for name in names}


def _checks(found: Mapping[str, Any]) -> list[Check]:
    return [_check(name, one) for name, several in found["checks"].items() for one in several]


def _check(name: str, told: Mapping[str, Any]) -> Check:
    return Check(name, Health(told["status"]), told["output"], told["observedValue"] / 1000)


def _standing(told: Mapping[str, Any]) -> Standing:
    moments: dict[str, Any] = {name: from_optional_text(told[name]) for name in ("at", "since", "failed_at")}
    same = {name: told[name] for name in ("name", "output", "seconds", "failure", "every", "silenced_by")}
    status = None if told["status"] is None else Health(told["status"])
    return Standing(**same, **moments, status=status, after=tuple(told["after"]), is_here=told["here"])


def _period(told: Mapping[str, Any]) -> HealthPeriod:
    return HealthPeriod(from_text(told["start"]), told["passed"], told["warned"], told["failed"], told["mean_seconds"])
