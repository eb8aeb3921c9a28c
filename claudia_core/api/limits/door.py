"""In front of the guard: how much a request may bring, and how often strangers may knock."""

from __future__ import annotations

import asyncio

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from claudia_core.api import problems
from claudia_core.api.limits.rates import Rates
from claudia_core.api.limits.throttle import refusal
from claudia_core.api.origin import SAFE_METHODS
from claudia_core.errors import ClaudiaError, RateLimited, RequestTimeout, TooLarge

SIGN_IN = ("/login/", "/api/v1/auth/")
UNREAD = frozenset({408, 413})
"""What is left of the body after these answers is not read: the connection ends."""

BODY_SECONDS = 60.0
"""Seconds in which a request's body has to come in whole."""


class Door:
    """Bounds bodies in size and time, tries to sign in, and what an address may be refused.

    An address is limited by its refusals alone: whoever shows something good gets in whatever others at the same
    address, such as a proxy's, did before.
    """

    def __init__(self, app: ASGIApp, rates: Rates, *, max_body: int, seconds: float = BODY_SECONDS) -> None:
        self._app = app
        self._rates = rates
        self._max_body = max_body
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See the ASGI specification."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = _Answer(self, scope, send)
        try:
            await self._admit(scope)
            bounded = receive if scope["method"] in SAFE_METHODS else self._bounded(receive)
            await self._app(scope, bounded, answer)
        except (TooLarge, RequestTimeout, RateLimited) as error:
            if answer.has_begun:
                raise
            await self._refuse(error, scope, receive, send)

    async def _admit(self, scope: Scope) -> None:
        is_safe = scope["method"] in SAFE_METHODS
        if is_sign_in(scope["path"]) and not (is_safe and scope["path"] == "/login"):
            await self._rates.count(self._rates.sign_ins, _address(scope))
        if is_safe:
            return
        for name, value in scope["headers"]:
            if name == b"content-length" and value.isdigit() and int(value[:20]) > self._max_body:
                raise self._too_large()

    def _bounded(self, receive: Receive) -> Receive:
        size, is_whole, until = 0, False, 0.0

        async def bounded() -> Message:
            nonlocal size, is_whole, until
            if is_whole:
                return await receive()
            now = asyncio.get_running_loop().time()
            until = until or now + self._seconds
            try:
                async with asyncio.timeout_at(until):
                    message = await receive()
            except TimeoutError as error:
                raise RequestTimeout(f"the body did not come in within {self._seconds:g} s") from error
            size += len(message.get("body", b""))
            if size > self._max_body:
                raise self._too_large()
            is_whole = not message.get("more_body", False)
            return message

        return bounded

    def _too_large(self) -> TooLarge:
        return TooLarge(f"the body is over the limit of {self._max_body:,} bytes", field="body")

    async def knock(self, scope: Scope) -> None:
        """Count a refusal of the address.

        Raises:
            RateLimited: it has been refused too often.
        """
        await self._rates.count(self._rates.strangers, _address(scope))

    async def _refuse(self, error: ClaudiaError, scope: Scope, receive: Receive, send: Send) -> None:
        if isinstance(error, RateLimited):
            rate = self._rates.sign_ins if is_sign_in(scope["path"]) else self._rates.strangers
            assert rate is not None, "what is not limited is not refused"
            response = refusal(error, rate, scope)
        else:
            response = problems.of_error(error, scope["path"])
        await response(scope, receive, _Answer(self, scope, send))


class _Answer:
    """What goes out; a refusal is counted before it does."""

    def __init__(self, door: Door, scope: Scope, send: Send) -> None:
        self._door = door
        self._scope = scope
        self._send = send
        self.has_begun = False

    async def __call__(self, message: Message) -> None:
        if not self.has_begun:
            if message.get("status") == 401:
                await self._door.knock(self._scope)
            if message.get("status") in UNREAD:
                message["headers"] = [*message["headers"], (b"connection", b"close")]
            self.has_begun = True
        await self._send(message)


def is_sign_in(path: str) -> bool:
    """Whether somebody tries to sign in there."""
    return path == "/login" or path.startswith(SIGN_IN)


def _address(scope: Scope) -> str:
    """Where it comes from; of IPv6 the network, because one customer has 2**64 addresses."""
    client = scope.get("client")
    host = str(client[0]) if client else ""
    return ":".join(host.split(":")[:4]) if host.count(":") > 1 and "." not in host else host
