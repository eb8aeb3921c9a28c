"""Claims: agents take tasks from their queues, each once, and say what became of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import batched

from claudia_core.errors import ClaudiaError
from claudia_core.model.agent import Agent, AgentMode, AgentStatus
from claudia_core.model.policy import RetryPolicy
from claudia_core.model.task import LATER, Status, Task, TaskError
from claudia_core.model.times import to_text, utc_now
from claudia_core.ports import Document, Page, Query, Range, Store, Transaction
from claudia_core.services.tasks import failures, holds, moves
from claudia_core.services.tasks.moves import Move

QUICKEST = 1e-6
"""Seconds that a task takes at least, as it is reckoned with."""

TOGETHER = 20
"""Types that are asked for by one question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On what terms tasks of a type are taken.

    `attempts` are the least that are allowed; `most` of the type are active at once, over all agents. `seconds` is how
    long one is expected to take, for an agent that takes some ahead; infinite where it takes none.
    """

    attempts: int = 1
    policy: RetryPolicy = field(default_factory=RetryPolicy)
    most: int | None = None
    stall_after: float | None = None
    seconds: float = math.inf


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of a claimed task, as its agent says; `task` is as it was when claimed."""

    task_id: str
    claim: int
    move: Move
    task: Task | None = None


@dataclass(frozen=True, slots=True)
class Turn:
    """What one commit of an agent brought: the tasks it has taken, what became of those it settled, and its mode."""

    taken: list[Task]
    settled: list[Task | ClaudiaError]
    mode: AgentMode
    is_known: bool = True


@dataclass(frozen=True, slots=True)
class Ahead:
    """What may be taken that cannot begin at once: so many tasks, which are expected to take so long together."""

    tasks: int = 0
    seconds: float = 0.0


NOTHING = Ahead()


@dataclass(frozen=True, slots=True)
class Wanted:
    """How much an agent takes: `room` tasks, and beyond them what `ahead` holds."""

    room: int
    ahead: Ahead

    def most(self, terms: Mapping[str, Terms]) -> int:
        """How many tasks that can be."""
        quickest = max(QUICKEST, min((on.seconds for on in terms.values()), default=math.inf))
        return self.room + max(0, min(self.ahead.tasks, int(self.ahead.seconds / quickest)))

    def fitting(self, documents: list[Document], terms: Mapping[str, Terms]) -> Iterator[Document]:
        """Those of the candidates, in their order, that are taken: none is passed over for a quicker one behind it."""
        spare = self.ahead.seconds
        for place, document in enumerate(documents[: self.most(terms)]):
            if place >= self.room:
                spare -= terms[document["type"]].seconds
                if spare < 0:
                    return
            yield document


class Claims:
    """Hands tasks out to agents and takes their endings, both in one commit."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def turn(
        self,
        agent_id: str,
        terms: Mapping[str, Terms],
        room: int,
        settlements: Iterable[Settlement] = (),
        ahead: Ahead = NOTHING,
    ) -> Turn:
        """Save how tasks ended and take up to `room` others: the highest priority first, then the oldest.

        Beyond `room` as many of the next are taken as `ahead` holds.

        A settlement whose claim does not count any more is not saved; its place in `settled` holds the StaleClaim. An
        agent that is not working, or not online, takes none. A task whose deadline has passed fails instead.

        Raises:
            StoreError: nothing was saved.
        """
        ended = list(settlements)
        return self._store.write(lambda tx: _turn(tx, agent_id, terms, Wanted(room, ahead), ended)).result()

    def is_waiting(self, types: Sequence[str]) -> bool:
        """Whether a task of these types could be taken now."""
        until = LATER + to_text(utc_now())
        return any(
            self._store.find(Query("tasks", {"type": some, "queue": Range("0", until)}, "queue", limit=1)).documents
            for some in batched(types, TOGETHER)
        )


def _turn(
    tx: Transaction, agent_id: str, terms: Mapping[str, Terms], wanted: Wanted, settlements: list[Settlement]
) -> Turn:
    tx.prefetch("tasks", [settlement.task_id for settlement in settlements])
    settled = [_settle(tx, settlement) for settlement in settlements]
    found = tx.get("agents", agent_id)
    if found is None:
        return Turn([], settled, AgentMode.STOPPING, is_known=False)
    agent = Agent.from_document(found)
    if agent.status is not AgentStatus.ONLINE or agent.mode is not AgentMode.WORKING or not wanted.most(terms):
        return Turn([], settled, agent.mode, agent.status is AgentStatus.ONLINE)
    return Turn(_take(tx, agent_id, terms, wanted), settled, agent.mode)


def _settle(tx: Transaction, settlement: Settlement) -> Task | ClaudiaError:
    try:
        task = _as_it_is(tx, settlement)
        holds.require_claim(task, settlement.claim)
    except ClaudiaError as error:
        return error
    return settlement.move(tx, task)


def _as_it_is(tx: Transaction, settlement: Settlement) -> Task:
    document, known = tx.get("tasks", settlement.task_id), settlement.task
    if document is None:
        raise moves.unknown(settlement.task_id)
    if known is not None and document["version"] == known.version and document["claim"] == known.claim:
        return known
    return moves.with_content(tx, document)


def _take(tx: Transaction, agent_id: str, terms: Mapping[str, Terms], wanted: Wanted) -> list[Task]:
    taken = []
    candidates = sorted(_candidates(tx, terms, wanted.most(terms)), key=_turn_of)
    fitting = list(wanted.fitting(candidates, terms))
    tx.prefetch("contents", [document["id"] for document in fitting])
    for document in fitting:
        task = moves.with_content(tx, document)
        if task.deadline is not None and task.deadline <= tx.now:
            failures.failing(TOO_LATE)(tx, task)
            continue
        on = terms[task.type]
        claim = holds.claiming(agent_id, on.attempts, on.policy, on.stall_after)
        taken.append(claim(tx, task))
    return taken


def _turn_of(document: Document) -> tuple[int, str]:
    return -document.get("priority", 0), document["id"]


def _candidates(tx: Transaction, terms: Mapping[str, Terms], room: int) -> list[Document]:
    free = [type for type, on in terms.items() if on.most is None]
    found = [document for types in batched(free, TOGETHER) for document in _waiting(tx, types, room)]
    for type, on in terms.items():
        if on.most is not None:
            left = on.most - len(_active(tx, type, on.most).documents)
            found += _waiting(tx, (type,), min(room, left)) if left > 0 else []
    return found


def _waiting(tx: Transaction, types: Sequence[str], room: int) -> list[Document]:
    """The first in the queue that are ready, and the first of those that were to wait and are due now."""
    ready = Query("tasks", {"type": types, "queue": Range("0", LATER)}, "queue", limit=room)
    due = replace(ready, where={"type": types, "queue": Range(LATER, LATER + to_text(tx.now))})
    found = tx.find(due).documents + tx.find(ready).documents
    return sorted(found, key=_turn_of)[:room]


def _active(tx: Transaction, type: str, most: int) -> Page:
    return tx.find(Query("tasks", {"status": Status.ACTIVE.value, "type": type}, "id", limit=most))


TOO_LATE = TaskError("DeadlineExceeded", "its deadline passed before an agent took it", code="deadline")
