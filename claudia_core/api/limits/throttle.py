"""Requests and messages of callers that are known: counted by key and by user, behind the guard."""

from __future__ import annotations

import asyncio

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from claudia_core.api import problems
from claudia_core.api.limits.rates import Rate, Rates, headers_of
from claudia_core.errors import RateLimited
from claudia_core.model.identity import Identity

LONGEST_WAIT = 5.0
"""Most seconds that a socket's message waits at a time before it is counted again."""


class Throttle:
    """Answers 429 to a caller over the limit; reads a socket more slowly instead, so that nothing of it is lost."""

    def __init__(self, app: ASGIApp, rates: Rates) -> None:
        self._app = app
        self._rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        identity: Identity | None = scope["state"].get("identity") if "state" in scope else None
        rate = self._rates.of(identity) if identity is not None else None
        if identity is None or rate is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send, rate, identity.actor)
        else:
            await self._app(scope, self._slowed(receive, rate, identity.actor), send)

    async def _http(self, scope: Scope, receive: Receive, send: Send, rate: Rate, who: str) -> None:
        try:
            await self._rates.count(rate, who)
        except RateLimited as error:
            await refusal(error, rate, scope)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _slowed(self, receive: Receive, rate: Rate, who: str) -> Receive:
        async def slowed() -> Message:
            message = await receive()
            if message["type"] == "websocket.receive":
                await self._until_there_is_room(rate, who)
            return message

        return slowed

    async def _until_there_is_room(self, rate: Rate, who: str) -> None:
        while True:
            try:
                await self._rates.count(rate, who)
            except RateLimited as error:
                await asyncio.sleep(min(error.retry_after or 1.0, LONGEST_WAIT))
            else:
                return


def refusal(error: RateLimited, rate: Rate, scope: Scope) -> Response:
    """429 with what a client needs to come back in time."""
    return problems.problem(error.code, error.message, path=scope["path"], headers=headers_of(rate, error))
