"""Carrying out an operation for somebody: the one place, for every protocol, where its scope is asked for.

A change leaves an entry in the audit log, in the change's own transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future
from typing import Any, cast

from pydantic import BaseModel
from starlette.types import Scope as Connection

from claudia_core.api.access.confined import ConfinedStore, require_confinable
from claudia_core.api.contract.operations import OPERATIONS, Operation
from claudia_core.app import Claudia
from claudia_core.errors import AccessDenied
from claudia_core.model.identity import Identity, Kind, acting_as, current
from claudia_core.ports import Store, Transaction, Work
from claudia_core.services.access.audit import note

TOLD = ("name", "type", "reason", "status", "enabled")
"""Fields of what was asked that an entry tells; never content, messages of errors or secrets."""

LISTS = ("tasks", "events", "updates")
"""Fields of which it tells the number."""


def perform(
    operation: Operation, hub: Claudia, asked: BaseModel, identity: Identity, store: Store | None = None
) -> dict[str, Any]:
    """What the operation answers to `identity`; `store` is what its changes go through, where not the hub's own.

    Raises:
        Unauthenticated, AccessDenied: the caller's scope does not include the operation's.
        ClaudiaError: what the operation raises.
    """
    identity.require(operation.scope, operation.name)
    require_confinable(operation.name, identity)
    through = store or hub.acts_on
    if identity.is_confined and operation.name.partition(".")[0] != "sessions":
        through = cast("Store", ConfinedStore(through, identity.projects))
    if operation.is_audited:
        through = cast("Store", AuditedStore(through, identity, operation.name, asked))
    view = hub if through is hub.acts_on else hub.over(through)
    with acting_as(identity):
        return operation.run(view, asked)


def carry_out[T](name: str, hub: Claudia, work: Callable[[], T], identity: Identity | None = None) -> T:
    """What `work` gives, which does the operation of that name by other means, such as for several things at once.

    The scope is asked for before; what was changed is in the audit log directly after, an entry for each thing.

    Raises:
        Unauthenticated, AccessDenied: the caller's scope does not include the operation's.
        ClaudiaError: what `work` raises.
    """
    who, operation = identity or current(), OPERATIONS[name]
    who.require(operation.scope, name)
    if who.is_confined:
        raise AccessDenied("pages take access to all projects")
    result = work()
    if operation.is_audited and who.kind is not Kind.LOCAL:  # a notebook's own changes are made by its code
        for subject in _subjects(result):
            hub.audit.record(name, subject, who)
    return result


def _subjects(result: object) -> Iterable[str]:
    if isinstance(result, Mapping):
        return [id for id, outcome in result.items() if not isinstance(outcome, Exception)]
    items = result if isinstance(result, list | tuple) else [result]
    return [_id_of(item) for item in items]


def caller(scope: Connection) -> Identity:
    """Who the guard found a connection to be from; whoever runs the process, where there is no guard."""
    found: Identity | None = scope.get("state", {}).get("identity")
    return found or current()


class AuditedStore:
    """A store whose first write leaves an entry in the audit log, in the same transaction."""

    def __init__(self, store: Store, identity: Identity, action: str, asked: BaseModel) -> None:
        self._store = store
        self._identity = identity
        self._action = action
        self._asked = asked
        self._is_noted = False

    def write[T](self, work: Work[T]) -> Future[T]:
        """See `ports.Store.write`."""
        if self._is_noted:
            return self._store.write(work)
        self._is_noted = True
        return self._store.write(lambda tx: self._noted(tx, work))

    def _noted[T](self, tx: Transaction, work: Work[T]) -> T:
        result = work(tx)
        subject = str(vars(self._asked).get("id") or _id_of(result))
        note(tx, self._identity, self._action, subject, **_details(self._asked))
        return result

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def _id_of(result: object) -> str:
    first = result[0] if isinstance(result, list) and len(result) == 1 else result
    return getattr(first, "id", "")


def _details(asked: BaseModel) -> Mapping[str, Any]:
    values = vars(asked)  # of the fields alone; asking a model for one that it has not costs ten times as much
    details = {name: values.get(name) or None for name in TOLD}
    for name in LISTS:
        if values.get(name) is not None:
            details[f"number_of_{name}"] = len(values[name])
    return details
