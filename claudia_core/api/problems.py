"""Errors on the wire: RFC 9457 problem documents, and the one table that gives each error code its HTTP status."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from claudia_core.app import Claudia
from claudia_core.errors import ClaudiaError
from claudia_core.logs import get_logger

log = get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_AFTER = 1
"""Seconds after which what is worth a retry may be tried again."""


class Kind(NamedTuple):
    """What all problems with one code share."""

    status: int
    title: str


KINDS: Mapping[str, Kind] = {
    "malformed": Kind(400, "The request cannot be read"),
    "unknown_host": Kind(400, "The server does not answer to this name"),
    "unauthenticated": Kind(401, "Sign in"),
    "signature_invalid": Kind(401, "The signature is not valid"),
    "token_expired": Kind(401, "The token has expired"),
    "token_invalid": Kind(401, "The token is not valid"),
    "access_denied": Kind(403, "Not allowed"),
    "provider_refused": Kind(403, "The sign-in was not accepted"),
    "foreign_origin": Kind(403, "Another site's page may not do this"),
    "not_found": Kind(404, "Not found"),
    "task_not_found": Kind(404, "No such task"),
    "method_not_allowed": Kind(405, "This address does not know this method"),
    "request_timeout": Kind(408, "The request took too long to come in"),
    "conflict": Kind(409, "The change does not fit the present state"),
    "illegal_transition": Kind(409, "The task cannot go to this status"),
    "stale_claim": Kind(409, "Another claim of the task counts"),
    "idempotency_busy": Kind(409, "The same request is being carried out"),
    "settings_error": Kind(409, "A setting of the hub is missing or wrong"),
    "precondition_failed": Kind(412, "Changed since it was read"),
    "too_large": Kind(413, "Over the limit"),
    "unsupported_media_type": Kind(415, "Send JSON"),
    "invalid_value": Kind(422, "A value breaks a rule"),
    "payload_invalid": Kind(422, "The payload is not what the handler takes"),
    "bad_cursor": Kind(422, "No cursor of this log"),
    "idempotency_conflict": Kind(422, "The key belongs to another request"),
    "rate_limited": Kind(429, "Asked too often"),
    "error": Kind(500, "The hub could not do this"),
    "internal_error": Kind(500, "Something went wrong in the hub"),
    "no_secret_keys": Kind(500, "The hub has no keys for secrets"),
    "store_error": Kind(500, "The store could not do this"),
    "store_foreign": Kind(500, "The store belongs to another program"),
    "store_too_new": Kind(500, "The store was written by a newer Claudia"),
    "store_damaged": Kind(500, "The store is damaged"),
    "provider_unavailable": Kind(502, "The service to sign in with does not answer"),
    "address_refused": Kind(422, "This address may not be called"),
    "mail_refused": Kind(502, "The mail was refused"),
    "integration_error": Kind(502, "A service elsewhere failed"),
    "integration_busy": Kind(503, "Too many calls to a service elsewhere"),
    "circuit_open": Kind(503, "A service elsewhere keeps failing"),
    "broker_unavailable": Kind(503, "The message broker cannot be reached"),
    "integration_timeout": Kind(504, "A service elsewhere took too long"),
    "missing_extra": Kind(501, "An optional package is not installed"),
    "store_unavailable": Kind(503, "The store cannot be reached now"),
    "hub_unavailable": Kind(503, "The hub behind this one does not answer"),
    "too_many_connections": Kind(503, "As many connections are open as may be"),
    "store_busy": Kind(503, "The store is busy"),
    "store_full": Kind(503, "The store is full"),
    "store_read_only": Kind(503, "The store cannot be written"),
    "store_closed": Kind(503, "The hub is being closed"),
    "task_cancelled": Kind(409, "The task was cancelled"),
    "wait_timeout": Kind(504, "It did not come in time"),
}

CODES_OF_STATUSES = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 415: "unsupported_media_type"}


def problem(
    code: str,
    detail: str,
    *,
    path: str,
    status: int | None = None,
    field: str | None = None,
    hint: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A problem document about a request to `path`; the code's own status unless another is given."""
    kind = KINDS[code]
    document: dict[str, Any] = {
        "type": f"/api/docs#{code}",
        "title": kind.title,
        "status": status or kind.status,
        "detail": detail,
        "code": code,
        "instance": quote(path, safe="/:@!$&'()*+,;=~", errors="replace"),
    }
    document |= {name: value for name, value in (("field", field), ("hint", hint)) if value is not None}
    # What a client sent is quoted in some details, and not all of it can be encoded.
    body = orjson.dumps(_encodable(document))
    return Response(body, document["status"], dict(headers or {}), MEDIA_TYPE)


def _encodable(document: dict[str, Any]) -> dict[str, Any]:
    return {name: v.encode(errors="replace").decode() if isinstance(v, str) else v for name, v in document.items()}


def of_error(error: ClaudiaError, path: str) -> Response:
    """The problem document of an error that was raised on purpose."""
    wait = RETRY_AFTER if error.retry_after is None else max(1, math.ceil(error.retry_after))
    headers = {"retry-after": str(wait)} if error.retryable else {}
    code = error.code if error.code in KINDS else "error"
    return problem(code, error.message, path=path, field=error.field, hint=error.hint, headers=headers)


def of_bug(error: Exception, path: str) -> Response:
    """The problem document of an error that nobody expected: it is in the log, and nothing of it in the answer."""
    log.exception("a request failed", cause=error, path=path)
    return problem("internal_error", "the hub's log says what happened", path=path)


def mount(app: FastAPI, _: Claudia) -> None:
    """Answer every error of the application with a problem document."""
    app.add_exception_handler(ClaudiaError, _on_error)
    app.add_exception_handler(HTTPException, on_http_exception)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(Exception, _on_bug)


async def _on_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ClaudiaError), "registered for this class"
    return of_error(error, request.url.path)


async def on_http_exception(request: Request, error: Exception) -> Response:
    """An error of Starlette, such as an address that nobody has, as a problem document."""
    assert isinstance(error, HTTPException), "registered for this class"
    if isinstance(error.__cause__, ClaudiaError):  # an error of ours in words that any application understands
        return of_error(error.__cause__, request.url.path)
    code = CODES_OF_STATUSES.get(error.status_code, "malformed" if error.status_code < 500 else "error")
    detail = "nothing is at this address" if error.status_code == 404 else str(error.detail)
    return problem(code, detail, path=request.url.path, status=error.status_code, headers=error.headers)


async def _on_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError), "registered for this class"
    first = error.errors()[0]
    field = ".".join(map(str, first["loc"][1:])) or None
    return problem("invalid_value", f"{field}: {first['msg']}", path=request.url.path, field=field)


async def _on_bug(request: Request, error: Exception) -> Response:
    return of_bug(error, request.url.path)
