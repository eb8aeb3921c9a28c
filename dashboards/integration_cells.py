"""Services elsewhere as rows of cells: pure functions without panel, whose output `theme/live.js` draws as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta

from claudia_core.model.times import to_optional_text, to_text, utc_now
from claudia_core.resilience.breaker import Circuit
from claudia_core.resilience.integration import Integration
from dashboards import units
from dashboards.cells import Row

CIRCUITS: Mapping[Circuit, tuple[str, str, str]] = {
    Circuit.CLOSED: ("closed", "✔", "completed"),
    Circuit.HALF_OPEN: ("half open", "◐", "cancelled"),
    Circuit.OPEN: ("open", "✖", "failed"),
}
MEANS: Mapping[Circuit, str] = {
    Circuit.CLOSED: "calls go through",
    Circuit.HALF_OPEN: "one call goes through, and decides",
    Circuit.OPEN: "left alone for a while: calls are refused at once",
}


def circuit(of: Integration) -> Row:
    """The cell of a circuit: mark and word."""
    word, mark, tone = CIRCUITS[of.breaker.circuit]
    return {"word": word, "mark": mark, "tone": tone}


def circuit_rows(made: Iterable[Integration]) -> list[Row]:
    """Circuits as rows, those that are not closed first."""
    return [circuit_row(one) for one in sorted(made, key=lambda one: one.breaker.circuit is Circuit.CLOSED)]


def circuit_row(of: Integration) -> Row:
    """A circuit as a row."""
    figures = of.figures
    wait = of.breaker.retry_after
    return {
        "id": of.name,
        "name": {"text": of.name, "href": None, "key": None, "hint": figures.last_error or MEANS[of.breaker.circuit]},
        "status": circuit(of),
        "retry": to_text((utc_now() + timedelta(seconds=wait)).replace(microsecond=0)) if wait else None,
        "calls": units.number(figures.successes + figures.errors),
        "errors": units.number(figures.errors) if figures.errors else None,
        "refused": units.number(figures.refused) if figures.refused else None,
        "failed": to_optional_text(figures.last_error_at),
    }
