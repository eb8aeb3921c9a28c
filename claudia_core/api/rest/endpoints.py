"""One operation over HTTP: from the request to its answer."""

from __future__ import annotations

from functools import partial
from typing import cast

import orjson
from pydantic import BaseModel
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope

from claudia_core.api.access.perform import caller, perform
from claudia_core.api.contract.operations import TABLE, Operation
from claudia_core.api.contract.outputs import TaskOut
from claudia_core.api.rest.border import Border, JoinedStore
from claudia_core.api.rest.guarded import Answer, Conditions, GuardedStore, Replay, etag, once, unchanged
from claudia_core.api.rest.reading import Binding
from claudia_core.app import Claudia
from claudia_core.errors import InvalidValue
from claudia_core.model.identity import Identity
from claudia_core.model.times import utc_now
from claudia_core.ports import Document, Store, Transaction

PREFIX = "/api/v1"
MEDIA_TYPE = "application/json"

JOINED = frozenset(
    f"tasks.{verb}" for verb in ("create", "create_many", "start", "progress", "complete", "fail", "cancel", "retry")
) | {"progress.update"}
"""Operations that do nothing but change the store, through one `write`: they run inside its transaction."""

SMALL = 64_000
"""Bytes of a body above which checking it would keep other changes waiting: such a request gets a thread."""


class Endpoint:
    """Carries out one operation."""

    def __init__(self, hub: Claudia, border: Border, operation: Operation) -> None:
        self._hub = hub
        self._border = border
        self._operation = operation
        self._binding = Binding(operation)
        self._is_task = operation.output is TaskOut
        self._location = location(operation)

    async def __call__(self, scope: Scope, receive: Receive) -> Response:
        """The answer to one request; what goes wrong is raised."""
        identity = caller(scope)
        identity.require(self._operation.scope, self._operation.name)  # before anything of the body is read
        headers = Headers(scope=scope)
        content = await self._binding.read(headers, scope["query_string"], receive)
        asked = self._binding.bind(scope["path_params"], content)
        if self._operation.is_read:
            answer = await self._border.call(partial(self._read, asked, identity, headers.get("if-none-match")))
            return _response(answer)
        conditions = self._conditions(scope, headers, content, asked, identity)
        try:
            if self._operation.name in JOINED and len(content) <= SMALL:
                answer = await self._border.write(partial(self._join, asked, identity, conditions))
            else:
                answer = await self._border.call(partial(self._guard, asked, identity, conditions))
        except Replay as replay:
            return _response(replay.answer, {"idempotency-replayed": "true"})
        return _response(answer)

    def _conditions(
        self, scope: Scope, headers: Headers, content: bytes, asked: BaseModel, identity: Identity
    ) -> Conditions | None:
        tags, key = headers.get("if-match"), headers.get("idempotency-key")
        if tags is not None and identity.is_confined:  # it is checked before anybody asks whose task it is
            raise InvalidValue("within projects changes cannot be made on condition", field="If-Match")
        if tags is None and key is None:
            return None
        request = (self._operation.name.encode(), scope["path"].encode(), content, (tags or "").encode())
        return Conditions(
            None if key is None else once(key, identity.actor, *request, is_shown_once=self._operation.is_shown_once),
            None if tags is None else unchanged(self._id_of(asked), tags),
        )

    def _id_of(self, asked: BaseModel) -> str:
        if not (self._is_task and self._binding.path):
            raise InvalidValue("only changes of one task can be made on condition", field="If-Match")
        return str(asked.id)  # type: ignore[attr-defined]  # the path has it

    def _run(self, asked: BaseModel, identity: Identity, store: Store | None = None) -> Answer:
        document = perform(self._operation, self._hub, asked, identity, store)
        return Answer(self._operation.status, orjson.dumps(document).decode(), self._headers(document))

    def _read(self, asked: BaseModel, identity: Identity, tags: str | None) -> Answer:
        answer = self._run(asked, identity)
        tag = answer.headers.get("etag")
        return Answer(304, "", answer.headers) if tag and tags and matches(tags, tag) else answer

    def _join(self, asked: BaseModel, identity: Identity, conditions: Conditions | None, tx: Transaction) -> Answer:
        """Carry out inside a transaction: the change, its conditions and what is kept for a key are one commit."""
        store = cast("Store", JoinedStore(self._hub.store, tx))
        if conditions is None:
            return self._run(asked, identity, store)
        conditions.check(tx)
        answer = self._run(asked, identity, store)
        if conditions.once is not None:
            conditions.once.keep(tx, answer)
        return answer

    def _guard(self, asked: BaseModel, identity: Identity, conditions: Conditions | None) -> Answer:
        """Carry out on this thread; conditions are checked in the change's transaction, the answer is kept after it."""
        if conditions is None:
            return self._run(asked, identity)
        store = self._hub.store
        if conditions.once is not None:
            conditions.once.look(store, utc_now())
        answer = self._run(asked, identity, cast("Store", GuardedStore(store, conditions.check)))
        if conditions.once is not None:
            keep = conditions.once.keep
            store.write(lambda tx: keep(tx, answer)).result()
        return answer

    def _headers(self, document: Document) -> dict[str, str]:
        if not self._is_task:
            return {}
        headers = {"etag": etag(document), "cache-control": "private, no-cache"}
        if self._location is not None:
            headers["location"] = f"{self._location}/{document['id']}"
        return headers


def _response(answer: Answer, extra: dict[str, str] | None = None) -> Response:
    return Response(
        answer.body, answer.status, {**answer.headers, **(extra or {})}, MEDIA_TYPE if answer.body else None
    )


def location(operation: Operation) -> str | None:
    """Where what the operation makes can be read, without its id; None where it cannot."""
    is_readable = any(other.is_read and other.path == operation.path + "/{id}" for other in TABLE)
    return PREFIX + operation.path if is_readable and operation.status == 201 else None


def matches(tags: str, tag: str) -> bool:
    """Whether `If-None-Match` names the entity tag; weak tags count (RFC 9110, section 13.1.2)."""
    wanted = {text.strip().removeprefix("W/") for text in tags.split(",")}
    return "*" in wanted or tag in wanted
