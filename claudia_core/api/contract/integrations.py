"""Operations on services elsewhere: what they are asked, what they answer, what they do."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from claudia_core.api.contract.inputs import Input, Limit, Nothing
from claudia_core.api.contract.outputs import Output
from claudia_core.api.contract.webhooks import example
from claudia_core.app import Claudia
from claudia_core.model.times import to_optional_text

type Answer = dict[str, Any]


class ListCalls(Input):
    """Which calls that the debugger kept, newest first."""

    integration: str | None = Field(None, max_length=100)
    operation: str | None = Field(None, max_length=200)
    outcome: str | None = Field(None, max_length=20, description="ok, error or refused.")
    since: datetime | None = Field(None, description="With a timezone.")
    limit: Limit = 100


class DebugIntegration(Input):
    """Keep the calls of a service elsewhere for a while."""

    model_config = example({"integration": "github", "minutes": 15})

    integration: str = Field("*", min_length=1, max_length=100, description="Its name, or * for all.")
    minutes: float = Field(15.0, description="For how long: up to a day; 0 ends it.")


class IntegrationOut(Output):
    """How calls of all processes to one service went. Latencies in seconds, of the last 5 to 10 minutes."""

    integration: str
    circuit: str = Field(description="closed, open or half_open.")
    successes: int
    errors: int
    refused: int = Field(description="Calls that were not made: the circuit was open, or too many were under way.")
    in_flight: int
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    last_error: str = ""
    last_error_at: datetime | None = None
    debugged: bool = Field(description="Whether its calls are kept now.")
    processes: list[str] = Field(description="The processes that call it.")


class IntegrationListOut(Output):
    """Services elsewhere, by name."""

    items: list[IntegrationOut]


class CallOut(Output):
    """One call that the debugger kept, without secrets."""

    time: datetime
    integration: str
    operation: str
    outcome: str
    seconds: float
    error: str = ""
    request: str = ""
    response: str = ""


class CallListOut(Output):
    """Calls, newest first."""

    items: list[CallOut]


class DebuggedOut(Output):
    """Until when calls are kept; null when they are not."""

    until: datetime | None = None


def list_integrations(hub: Claudia, _: Nothing) -> Answer:
    return {
        "items": [
            one.figures.to_document()
            | {"circuit": one.circuit.value, "debugged": one.debugged, "processes": list(one.processes)}
            for one in hub.processes.services()
        ]
    }


def list_calls(hub: Claudia, asked: ListCalls) -> Answer:
    found = hub.processes.calls(
        integration=asked.integration,
        operation=asked.operation,
        outcome=asked.outcome,
        since=asked.since,
        limit=asked.limit,
    )
    return {"items": [call.to_document() for call in found]}


def debug_integration(hub: Claudia, asked: DebugIntegration) -> Answer:
    return {"until": to_optional_text(hub.processes.debug(asked.integration, asked.minutes))}
