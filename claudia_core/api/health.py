"""`/livez`: the process answers. `/readyz`: it can do its work, as a health document (health+json)."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from claudia_core.app import Claudia
from claudia_core.errors import ClaudiaError

MEDIA_TYPE = "application/health+json"
LAG_WARNING = 10_000
"""Events not handed on yet from which on the feed counts as behind."""


def router(claudia: Claudia) -> APIRouter:
    """The routes of a hub's health."""
    routes = APIRouter(tags=["health"])

    @routes.get("/livez")
    async def livez() -> JSONResponse:
        """The process answers; open to all, and says nothing else."""
        return JSONResponse({"status": "pass", "serviceId": "claudia"}, media_type=MEDIA_TYPE)

    @routes.get("/readyz")
    def readyz() -> JSONResponse:
        """The store answers and the feed keeps up: 200, or 503 where something fails."""
        report = readiness(claudia)
        return JSONResponse(report, 503 if report["status"] == "fail" else 200, media_type=MEDIA_TYPE)

    return routes


def readiness(claudia: Claudia) -> dict[str, Any]:
    """How the store, the feed and what was registered as `ready` stand; the worst of them is the whole's status."""
    checks = {"store": _store(claudia), "feed": _feed(claudia)}
    for check in claudia.health.report(ready=True, max_age=1.0).checks:
        if not check.silenced_by:
            checks[check.name] = {"status": check.status.value, "output": check.output}
    statuses = {check["status"] for check in checks.values()}
    worst = next(status for status in ("fail", "warn", "pass") if status in statuses)
    return {"status": worst, "serviceId": "claudia", "checks": {name: [check] for name, check in checks.items()}}


def _store(claudia: Claudia) -> dict[str, Any]:
    try:
        return {"status": "pass", "observedValue": claudia.store.head(), "observedUnit": "events"}
    except ClaudiaError as error:
        return {"status": "fail", "output": str(error)}


def _feed(claudia: Claudia) -> dict[str, Any]:
    try:
        lag = claudia.feed.lag
    except ClaudiaError as error:
        return {"status": "fail", "output": str(error)}
    if claudia.feed.error is not None:
        return {"status": "fail", "output": str(claudia.feed.error), "observedValue": lag, "observedUnit": "events"}
    status = "warn" if lag > LAG_WARNING else "pass"
    return {"status": status, "observedValue": lag, "observedUnit": "events"}
