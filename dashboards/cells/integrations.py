"""Services elsewhere as rows of cells: pure functions without panel, whose output `theme/live.js` draws as text."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from urllib.parse import urlencode

from claudia_core.model.times import to_optional_text, to_text, utc_now
from claudia_core.model.webhook import Endpoint
from claudia_core.resilience.breaker import Circuit
from claudia_core.resilience.debugger import SeenCall
from claudia_core.resilience.metrics import BOUNDS, Figures, Histogram
from claudia_core.resilience.services import Service
from dashboards import units
from dashboards.cells.tasks import Row, fact

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


def circuit(of: Service) -> Row:
    """The cell of a circuit: mark and word."""
    word, mark, tone = CIRCUITS[of.circuit]
    return {"word": word, "mark": mark, "tone": tone}


def circuit_rows(made: Iterable[Service]) -> list[Row]:
    """Circuits as rows, those that are not closed first."""
    return [circuit_row(one) for one in sorted(made, key=lambda one: one.circuit is Circuit.CLOSED)]


def circuit_row(of: Service) -> Row:
    """A circuit as a row."""
    figures = of.figures
    wait = of.retry_after
    return {
        "id": of.name,
        "name": {"text": of.name, "href": None, "key": None, "hint": figures.last_error or MEANS[of.circuit]},
        "status": circuit(of),
        "retry": to_text((utc_now() + timedelta(seconds=wait)).replace(microsecond=0)) if wait else None,
        "calls": units.number(figures.successes + figures.errors),
        "errors": units.number(figures.errors) if figures.errors else None,
        "refused": units.number(figures.refused) if figures.refused else None,
        "failed": to_optional_text(figures.last_error_at),
    }


def service_href(name: str) -> str:
    """The address of a service's detail, relative to any page."""
    return "./integrations?" + urlencode({"service": name})


def error_rate(figures: Figures) -> str | None:
    """The share of calls that failed; rounded up to a tenth of a percent, so that a failure is never lost."""
    calls = figures.successes + figures.errors
    if not calls:
        return None
    return f"{math.ceil(figures.errors / calls * 1_000 - 1e-9) / 10:g}%"


def service_row(of: Service) -> Row:
    """A service as a row of the list."""
    figures = of.figures
    return {
        "id": of.name,
        "name": {
            "text": of.name,
            "href": service_href(of.name),
            "key": of.name,
            "hint": figures.last_error if figures.errors else "",
        },
        "status": circuit(of),
        "calls": units.number(figures.successes + figures.errors),
        "rate": error_rate(figures),
        "p50": _seconds(figures.p50),
        "p95": _seconds(figures.p95),
        "p99": _seconds(figures.p99),
        "flight": units.number(figures.in_flight) if figures.in_flight else None,
        "failed": to_optional_text(figures.last_error_at),
        "processes": units.number(len(of.processes)),
        "debugged": "kept" if of.debugged else None,
    }


def service_facts(of: Service) -> list[Row]:
    """What there is to know about a service."""
    figures, wait = of.figures, of.retry_after
    facts = (
        fact("Circuit", "status", circuit(of)),
        fact("It means", "text", MEANS[of.circuit]),
        fact(
            "Tried again",
            "left",
            to_text((utc_now() + timedelta(seconds=wait)).replace(microsecond=0)) if wait else None,
        ),
        fact("Calls", "text", f"{units.number(figures.successes)} well, {units.number(figures.errors)} failed"),
        fact("Error rate", "text", error_rate(figures)),
        fact("Not called", "text", units.number(figures.refused) if figures.refused else None),
        fact("Under way", "text", f"{figures.in_flight} of at most {of.limit}"),
        fact("p50", "text", _seconds(figures.p50)),
        fact("p95", "text", _seconds(figures.p95)),
        fact("p99", "text", _seconds(figures.p99)),
        fact("Failed last", "when", to_optional_text(figures.last_error_at)),
        fact("It said", "text", figures.last_error),
        fact("Time-out", "text", units.span(of.timeout)),
        fact("Opens after", "text", units.plural(of.failures, "failure") + " in a row"),
        fact("Called by", "tags", list(of.processes)),
        fact("Calls kept", "text", "yes" if of.debugged else "no"),
    )
    return [row for row in facts if row is not None]


def _seconds(value: float | None) -> str | None:
    return None if value is None else units.quick(value)


STEPS = 8
"""Bars of the histogram for each factor of ten."""


def bars(histogram: Histogram) -> list[tuple[float, float, int]]:
    """Latencies as bars, from and to in seconds with the number of calls, evenly wide on a logarithmic axis."""
    found: dict[int, int] = {}
    for place, number in enumerate(histogram.counts):
        if number:
            top = BOUNDS[min(place, len(BOUNDS) - 1)]
            step = math.floor(math.log10(top) * STEPS - 1e-9)
            found[step] = found.get(step, 0) + number
    return [(10 ** (step / STEPS), 10 ** ((step + 1) / STEPS), found[step]) for step in sorted(found)]


def bar_rows(histogram: Histogram) -> list[Row]:
    """The same as rows of a table."""
    return [
        {"id": str(at), "span": f"{units.quick(low)} to {units.quick(high)}", "calls": units.number(number)}
        for at, (low, high, number) in enumerate(bars(histogram))
    ]


OUTCOMES: Mapping[str, tuple[str, str]] = {
    "ok": ("✔", "completed"),
    "error": ("✖", "failed"),
    "refused": ("⊘", "cancelled"),
}


def outcome(call: SeenCall) -> Row:
    """The cell of a call's outcome."""
    mark, tone = OUTCOMES.get(call.outcome, ("?", "pending"))
    return {"word": call.outcome, "mark": mark, "tone": tone}


def call_id(call: SeenCall) -> str:
    """What a call is known by within the debugger's ring."""
    return f"{to_text(call.time)}/{call.integration}/{call.operation}/{call.seconds:.6f}"


def call_rows(calls: Iterable[SeenCall], chosen: str = "") -> list[Row]:
    """Calls as rows, newest first; the `chosen` one is marked."""
    rows = {}
    for call in calls:
        id = call_id(call)
        rows[id] = {
            "id": id,
            "name": {
                "text": call.operation or "a call",
                "href": "#",
                "key": id,
                "hint": f"{call.integration}{f' · {call.error}' if call.error else ''}",
            },
            "status": outcome(call),
            "took": units.quick(call.seconds),
            "at": to_text(call.time),
            "tone": "chosen" if id == chosen else "",
        }
    return list(rows.values())


def call_blocks(call: SeenCall) -> list[Row]:
    """What a call sent, got and failed with, as blocks of code; secrets were taken out when it was kept."""
    blocks = (("Request", call.request), ("Answer", call.response), ("Error", call.error))
    return [{"id": label, "label": label, "value": text} for label, text in blocks if text]


def verdict(made: Sequence[Service], endpoints: Sequence[Endpoint]) -> tuple[str, str]:
    """How services and webhooks stand in a line, with its tone: what is wrong first."""
    alone = [one.name for one in made if one.circuit is Circuit.OPEN]
    off = [one.name for one in endpoints if one.disabled_reason]
    failing = [one.name for one in endpoints if one.active and one.failing_since is not None]
    parts = [
        f"{mark} {words}: {', '.join(names[:3])}{f' and {len(names) - 3} more' if len(names) > 3 else ''}"
        for mark, words, names in (("✖", "left alone", alone), ("✖", "given up", off), ("▲", "failing", failing))
        if names
    ]
    if parts:
        return ("failed" if alone or off else "cancelled"), " · ".join(parts)
    if not made and not endpoints:
        return "", "No service and no webhook yet"
    return "completed", f"✔ {units.plural(len(made), 'service')}, {units.plural(len(endpoints), 'endpoint')}, all well"
