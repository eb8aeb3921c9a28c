"""Service: how calls to one service stand, in one process or in several together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from claudia_core.model.times import from_optional_text
from claudia_core.resilience.breaker import Circuit
from claudia_core.resilience.integration import Integration
from claudia_core.resilience.metrics import BOUNDS, Figures, Histogram

WORST = (Circuit.OPEN, Circuit.HALF_OPEN, Circuit.CLOSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service elsewhere at one moment.

    Args:
        figures: how its calls went.
        histogram: latencies of the last 5 to 10 minutes.
        retry_after: seconds until a call can go through; 0 for a closed circuit.
        timeout, limit, failures: see `resilience.integration.Guards`; `limit` of all processes together.
        debugged: whether its calls are kept now.
        processes: names of the processes that call it.
    """

    name: str
    figures: Figures
    histogram: Histogram
    circuit: Circuit
    retry_after: float
    timeout: float | None
    limit: int
    failures: int
    debugged: bool
    processes: tuple[str, ...] = ()

    @classmethod
    def of(cls, made: Integration, *, debugged: bool = False, process: str = "") -> Service:
        """A service as one process calls it."""
        return cls(
            name=made.name,
            figures=made.figures,
            histogram=made.metrics.histogram(),
            circuit=made.breaker.circuit,
            retry_after=made.breaker.retry_after,
            timeout=made.guards.timeout,
            limit=made.guards.limit,
            failures=made.guards.failures,
            debugged=debugged,
            processes=(process,),
        )

    def to_document(self) -> dict[str, Any]:
        """As plain JSON; of the histogram what is not empty."""
        counts = {str(place): number for place, number in enumerate(self.histogram.counts) if number}
        plain = ("name", "retry_after", "timeout", "limit", "failures", "debugged")
        return {
            **{name: getattr(self, name) for name in plain},
            "circuit": self.circuit.value,
            "figures": self.figures.to_document(),
            "histogram": {"counts": counts, "most": self.histogram.most},
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any], process: str) -> Service:
        """The value that `to_document` wrote, of a process."""
        histogram = Histogram()
        for place, number in document["histogram"]["counts"].items():
            histogram.counts[min(int(place), len(BOUNDS))] += number
            histogram.number += number
        histogram.most = document["histogram"]["most"]
        figures = {**document["figures"], "last_error_at": from_optional_text(document["figures"]["last_error_at"])}
        made = {"figures": Figures(**figures), "histogram": histogram, "circuit": Circuit(document["circuit"])}
        return cls(**{**document, **made, "processes": (process,)})


def together(services: Sequence[Service]) -> Service:
    """One service of several processes: sums, the percentiles of all calls, the circuit that is worst."""
    first, *others = services
    if not others:
        return first
    histogram = first.histogram
    for one in others:
        histogram = histogram.merged(one.histogram)
    figures = [one.figures for one in services]
    failed = [one for one in figures if one.last_error_at is not None]
    last = max(failed, key=lambda one: str(one.last_error_at), default=figures[0])
    return Service(
        name=first.name,
        figures=Figures(
            integration=first.name,
            successes=sum(one.successes for one in figures),
            errors=sum(one.errors for one in figures),
            refused=sum(one.refused for one in figures),
            in_flight=sum(one.in_flight for one in figures),
            p50=histogram.percentile(50),
            p95=histogram.percentile(95),
            p99=histogram.percentile(99),
            last_error=last.last_error,
            last_error_at=last.last_error_at,
        ),
        histogram=histogram,
        circuit=min((one.circuit for one in services), key=WORST.index),
        retry_after=max(one.retry_after for one in services),
        timeout=first.timeout,
        limit=sum(one.limit for one in services),
        failures=first.failures,
        debugged=any(one.debugged for one in services),
        processes=tuple(name for one in services for name in one.processes),
    )
