"""What a client may say on `/ws`: a table of message types and who answers them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from claudia_core.api.realtime.channels import channel
from claudia_core.api.realtime.session import Session
from claudia_core.errors import InvalidValue

type Document = dict[str, Any]


class Request(NamedTuple):
    """A message type: its fields besides `type`, and what it does."""

    fields: frozenset[str]
    answer: Callable[[Session, Document], Awaitable[None]]


async def _subscribe(session: Session, document: Document) -> None:
    cursor = document.get("cursor")
    if cursor is not None and not isinstance(cursor, str):
        raise InvalidValue("cursor is not a text", field="cursor", hint="use the form epoch:sequence")
    await session.subscribe(channel(document.get("channel")), cursor)


async def _unsubscribe(session: Session, document: Document) -> None:
    await session.unsubscribe(channel(document.get("channel")).name)


async def _ping(session: Session, _: Document) -> None:
    await session.pong()


REQUESTS: Mapping[str, Request] = {
    "subscribe": Request(frozenset({"channel", "cursor"}), _subscribe),
    "unsubscribe": Request(frozenset({"channel"}), _unsubscribe),
    "ping": Request(frozenset(), _ping),
}


async def answer(session: Session, document: Document) -> None:
    """Do what a message asks.

    Raises:
        InvalidValue: its type or a field is unknown, or a value breaks a rule; `field` names it.
        AccessDenied, Conflict: see `Session.subscribe`.
    """
    request = REQUESTS.get(str(document.get("type")))
    if request is None:
        raise InvalidValue(f"no message type {document.get('type')!r:.80}", field="type", hint=", ".join(REQUESTS))
    unknown = next((name for name in document if name != "type" and name not in request.fields), None)
    if unknown is not None:
        hint = f"it takes: {', '.join(sorted(request.fields)) or 'nothing'}"
        raise InvalidValue(f"{document['type']} has no field {unknown!r:.80}", field=unknown[:80], hint=hint)
    await request.answer(session, document)
