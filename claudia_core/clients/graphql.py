"""The GraphQL client of a hub: queries and changes by HTTP, subscriptions over a WebSocket."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from functools import partial
from typing import Any, Self
from uuid import uuid4

import httpx2
import orjson

from claudia_core.clients.patience import patiently
from claudia_core.clients.refusals import error_of, refusal
from claudia_core.clients.sockets import AsyncDirect, settings, translated
from claudia_core.clients.transport import POOL, Address
from claudia_core.errors import ClaudiaError, HubUnavailable, StoreClosed

PROTOCOL = "graphql-transport-ws"


class GraphQLClient:
    """`GraphQLClient("http://127.0.0.1:5006/graphql", api_key=token).query("{ tasks { id status } }")`.

    A mutation is sent once: it may have happened when its answer is lost, so repeating it is the caller's choice.

    Args:
        endpoint: where GraphQL is served.
        headers: sent with everything, such as `authorization`.
        api_key: the token, instead of that header.
        timeout: seconds within which each request must be answered.
        patience: seconds for which a query is asked again while the hub is away or busy.
    """

    def __init__(
        self,
        endpoint: str,
        headers: Mapping[str, str] | None = None,
        *,
        api_key: str | None = None,
        timeout: float = 30.0,
        patience: float = 30.0,
    ) -> None:
        self._patience = patience
        self._address = Address.parse(endpoint, api_key)
        self._headers = {**self._address.headers, **{name.lower(): value for name, value in (headers or {}).items()}}
        self._timeout = timeout
        self._client: httpx2.Client | None = POOL.lease(self._address)

    def query(self, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The data of the answer to a query or mutation.

        Raises:
            ClaudiaError: the first of the answer's errors, in the class that the hub raised; `errors` has all of them.
            HubUnavailable: the hub could not be reached, or did not answer in time.
        """
        asked = {"query": query, "variables": dict(variables or {})}
        return patiently(partial(self._ask, asked), self._patience if only_reads(query) else 0.0)

    def _ask(self, asked: dict[str, Any]) -> dict[str, Any]:
        if self._client is None:
            raise StoreClosed("this client is closed", hint="make a new one")
        try:
            response = self._client.post(
                self._address.base,
                json=asked,
                headers=self._headers,
                timeout=httpx2.Timeout(self._timeout, connect=min(self._timeout, 5.0)),
            )
        except httpx2.TimeoutException as error:
            raise HubUnavailable(f"{self._address} did not answer in time") from error
        except httpx2.HTTPError as error:
            raise HubUnavailable(f"{self._address} cannot be reached: {error}", hint="is the hub running?") from error
        return _data(response)

    async def subscribe(self, query: str, variables: Mapping[str, Any] | None = None) -> AsyncIterator[dict[str, Any]]:
        """The data of each message, over graphql-transport-ws; leaving the loop ends the subscription.

        It is not resumed after the connection broke: ask again with the cursor of the last message.

        Raises:
            ClaudiaError: what the hub raised.
            HubUnavailable: the connection could not be made, or broke.
        """
        options = {**settings(self._address, 10.0), "additional_headers": self._headers, "subprotocols": [PROTOCOL]}
        id = uuid4().hex
        payload = {"query": query, "variables": dict(variables or {})}
        with translated(self._address):
            async with AsyncDirect(self._address.socket, **options) as socket:
                await socket.send(_text({"type": "connection_init"}))
                while True:
                    message = orjson.loads(await socket.recv())
                    kind = message["type"]
                    if kind == "connection_ack":
                        await socket.send(_text({"id": id, "type": "subscribe", "payload": payload}))
                    elif kind == "ping":
                        await socket.send(_text({"type": "pong"}))
                    elif kind == "next":
                        yield _require_data(message["payload"])
                    elif kind == "error":
                        raise _error(message["payload"])
                    elif kind == "complete":
                        return

    def close(self) -> None:
        """Give the connections back; closing twice is fine."""
        if self._client is not None:
            POOL.give_back(self._address)
        self._client = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


NO_WORDS = re.compile(r'"""(?:[^"\\]|\\.|"(?!""))*"""|"(?:[^"\\\n]|\\.)*"|#[^\n]*', re.DOTALL)
"""Texts and comments of a document."""


def only_reads(query: str) -> bool:
    """Whether a document has no mutation: no such word outside of braces, where it can only begin one."""
    level, words = 0, []
    for word in re.findall(r"[{}(]|[)]|\w+", NO_WORDS.sub(" ", query)):
        level += (word in "{(") - (word in "})")
        words += [word] if level == 0 else []
    return "mutation" not in words


def _text(message: dict[str, Any]) -> str:
    return orjson.dumps(message).decode()


def _data(response: httpx2.Response) -> dict[str, Any]:
    try:
        answer = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        raise refusal(response) from None
    if not isinstance(answer, dict) or not ("data" in answer or "errors" in answer):
        raise refusal(response)
    return _require_data(answer)


def _require_data(answer: dict[str, Any]) -> dict[str, Any]:
    if answer.get("errors"):
        raise _error(answer["errors"])
    data: dict[str, Any] = answer["data"]
    return data


def _error(errors: list[dict[str, Any]]) -> ClaudiaError:
    first = errors[0]
    error = error_of({**first.get("extensions", {}), "message": first.get("message")})
    error.__dict__["errors"] = errors
    return error
