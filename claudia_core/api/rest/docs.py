"""`/api/openapi.json`, and `/api/docs`: a page of our own that renders it, without anything from elsewhere."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import orjson
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from claudia_core.api.rest.openapi import document

ASSETS = Path(__file__).with_name("assets")
FILES = {
    "/api/docs": ("docs.html", "text/html"),
    "/api/docs/docs.css": ("docs.css", "text/css"),
    "/api/docs/docs.js": ("docs.js", "text/javascript"),
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'"
)


def mount(app: FastAPI) -> None:
    """Add the document and the page."""
    app.add_route("/api/openapi.json", partial(_openapi, app), include_in_schema=False)
    for path, (name, media_type) in FILES.items():
        app.add_route(path, partial(_file, ASSETS / name, media_type), include_in_schema=False)


async def _openapi(app: FastAPI, _: Request) -> Response:
    return Response(orjson.dumps(document(app)), media_type="application/json")


def _file(path: Path, media_type: str, _: Request) -> Response:
    return Response(path.read_bytes(), media_type=media_type, headers={"content-security-policy": POLICY})
