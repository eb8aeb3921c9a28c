"""`/health`: every check of the hub in one document, for load balancers, monitors and people."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.responses import JSONResponse

from claudia_core.api.contract.outputs import HealthOut
from claudia_core.app import Claudia
from claudia_core.model.health import Health

MEDIA_TYPE = "application/health+json"
DESCRIBED = {"schema": {"$ref": "#/components/schemas/HealthOut"}}


def mount(app: FastAPI, claudia: Claudia) -> None:
    """Add the route."""

    def health() -> JSONResponse:
        """Every check: 200, or 503 where one fails."""
        report = claudia.health.report(max_age=1.0)
        status = 503 if report.status is Health.FAIL else 200
        return JSONResponse({"serviceId": "claudia", **report.to_document()}, status, media_type=MEDIA_TYPE)

    described: dict[int | str, dict[str, Any]] = {
        200: {"description": HealthOut.__doc__, "content": {MEDIA_TYPE: DESCRIBED}},
        503: {"description": "A check fails.", "content": {MEDIA_TYPE: DESCRIBED}},
    }
    app.add_api_route(
        "/health",
        health,
        response_class=JSONResponse,
        responses=described,
        tags=["health"],
        summary="Health of everything",
        operation_id="health",
    )
