"""`POST /api/v1/hooks/{source}`: webhooks from elsewhere. Open to all: a message is let in by its signature."""

from __future__ import annotations

from typing import Any

from anyio import to_thread
from fastapi import FastAPI
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from claudia_core.api import problems
from claudia_core.api.rest.reading import read_body
from claudia_core.app import Claudia
from claudia_core.errors import ClaudiaError
from claudia_core.integrations.mail.bounces import hook_map
from claudia_core.integrations.webhooks.receiving import event_of, incoming, proven
from claudia_core.model.source import TELLS_OF_MAIL, Scheme, Source
from claudia_core.model.times import utc_now
from claudia_core.outside import HookMap
from claudia_core.services.events import NewEvent

MOST_BODY = 256_000
"""Bytes of a message; its event holds all of it."""


def mount(app: FastAPI, claudia: Claudia) -> None:
    """Add the route."""

    async def receive(request: Request) -> Response:
        try:
            raw = await read_body(request.headers, request.receive, MOST_BODY)
            told = {name.lower(): value for name, value in request.headers.items()}
            return JSONResponse(*await to_thread.run_sync(_take, claudia, request.path_params["source"], told, raw))
        except ClientDisconnect:
            return Response(status_code=400)
        except ClaudiaError as error:
            return problems.of_error(error, request.url.path)

    app.router.routes.append(Route("/api/v1/hooks/{source}", receive, methods=["POST"], include_in_schema=False))


def _map_of(claudia: Claudia, source: Source) -> HookMap:
    """What makes events of a source's messages."""
    usual = hook_map(claudia.suppressions) if source.scheme in TELLS_OF_MAIL else event_of
    return claudia.hook_maps.get(source.id, usual)


def _take(claudia: Claudia, name: str, headers: dict[str, str], raw: bytes) -> tuple[dict[str, Any], int]:
    """What is answered: the body and the status."""
    source = claudia.hooks.opened(name)
    call = claudia.integration(f"hook {name}", timeout=None, limit=1_000, errors=()).begin("receive")
    try:
        proof = proven(source, headers, raw, utc_now(), lambda: claudia.certificates)
        message = incoming(source, headers, raw)
        call.sent("receive", message.body)
        told = message.body if isinstance(message.body, dict) else {}
        if told.get("type") == "url_verification":
            answer: tuple[dict[str, Any], int] = {"challenge": str(told.get("challenge", ""))[:500]}, 200
        elif source.scheme is Scheme.SNS and told.get("Type") == "SubscriptionConfirmation":
            claudia.certificates.confirm(str(told.get("SubscribeURL", "")))
            answer = {"subscribed": True}, 200
        else:
            made = _map_of(claudia, source)(message)
            events = [made] if isinstance(made, NewEvent) else list(made or ())
            number = claudia.hooks.note(source, proof.key, proof.seconds, events)
            answer = {"accepted": number or 0, "duplicate": number is None}, 202
    except BaseException as error:
        call.end(error)
        raise
    call.answered(answer[0])
    call.end()
    return answer
