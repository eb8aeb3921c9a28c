"""Agents: which processes run tasks, and which of them were lost."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path

from claudia_core.errors import IllegalTransition, InvalidValue, NotFound, TooLarge
from claudia_core.model.agent import Agent, AgentMode, AgentStatus, Vitals
from claudia_core.model.ids import new_id, require_id
from claudia_core.model.task import Status, TaskError
from claudia_core.model.times import to_text, utc_now
from claudia_core.model.values import MAX_NAME, require_count, require_text
from claudia_core.ports import Document, Query, Range, Store, Transaction
from claudia_core.services.tasks import failures, holds, moves

REAP_AT_ONCE = 200
"""Most tasks failed in one commit when their agent is lost."""


LONGEST_LEASE = 86_400.0
MOST_CAPABILITIES = 1_000
"""Most types of task of one agent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAgent:
    """What an agent is made from; `lease` is in seconds."""

    id: str
    name: str
    host: str
    pid: int
    lease: float
    capabilities: tuple[str, ...] = ()
    capacity: int = 0

    def checked(self) -> NewAgent:
        """This with every value checked.

        Raises:
            InvalidValue, TooLarge: a value breaks a rule; `field` names it.
        """
        if not 0 < require_count(self.lease, "lease") <= LONGEST_LEASE:
            raise InvalidValue(f"lease is {self.lease:g}", field="lease", hint=f"use up to {LONGEST_LEASE:g} seconds")
        require_text(self.name, "name", MAX_NAME)
        require_text(self.host, "host", 255)
        require_count(self.pid, "pid")
        require_count(self.capacity, "capacity")
        return replace(self, id=require_id(self.id), capabilities=require_capabilities(self.capabilities))


def require_capabilities(types: Iterable[str]) -> tuple[str, ...]:
    """Types of task, each once.

    Raises:
        InvalidValue, TooLarge: one is no type, or there are too many.
    """
    unique = tuple(dict.fromkeys(require_text(type, "capabilities", 100) for type in types))
    if len(unique) > MOST_CAPABILITIES:
        raise TooLarge(f"capabilities are {len(unique)}, over the limit of {MOST_CAPABILITIES}", field="capabilities")
    return unique


class Agents:
    """Registers this process, keeps its lease, and finds agents whose lease ran out."""

    def __init__(self, store: Store, *, lease: float = 15.0) -> None:
        self._store = store
        self._lease = lease
        self._suspects: dict[str, str] = {}

    def register(self, name: str | None = None) -> Agent:
        """Make this process known as an agent.

        Raises:
            InvalidValue, TooLarge: the name is no short text.
        """
        return self.enrol(this_process(name, self._lease))

    def enrol(self, new: NewAgent) -> Agent:
        """Make a process known as an agent. An `id` that is known gives that agent back, so repeats do no harm.

        Raises:
            InvalidValue, TooLarge: a value breaks a rule; `field` names it.
        """
        checked = new.checked()

        def work(tx: Transaction) -> Agent:
            known = tx.get("agents", checked.id)
            if known is not None:
                return Agent.from_document(known)
            agent = Agent(started_at=tx.now, heartbeat_at=tx.now, **asdict(checked))
            id = agent.id
            tx.put("agents", agent.to_document())
            tx.emit("agent:online", id, agent.to_document())
            return agent

        return self._store.write(work).result()

    def announce(self, id: str, capabilities: Iterable[str], capacity: int) -> Agent:
        """Note that an agent takes tasks of these types from now on, at most `capacity` at once.

        Raises:
            NotFound: there is no such agent.
            InvalidValue, TooLarge: a value breaks a rule; `field` names it.
        """
        types = require_capabilities(capabilities)
        require_count(capacity, "capacity")

        def work(tx: Transaction) -> Agent:
            agent = replace(_load(tx, id), capabilities=types, capacity=capacity, mode=AgentMode.WORKING)
            return _save(tx, agent, "agent:changed")

        return self._store.write(work).result()

    def pause(self, id: str) -> Agent:
        """It takes no new tasks until it is resumed; what runs goes on.

        Raises:
            NotFound: there is no such agent.
            IllegalTransition: it is not online, or it ends already.
        """
        return self._ask(id, AgentMode.PAUSED)

    def resume(self, id: str) -> Agent:
        """It takes tasks again. Raises as `pause` does."""
        return self._ask(id, AgentMode.WORKING)

    def drain(self, id: str) -> Agent:
        """It takes no new tasks, and ends when those that run have ended. Raises as `pause` does."""
        return self._ask(id, AgentMode.DRAINING)

    def stop(self, id: str) -> Agent:
        """It ends now: what runs is asked to stop, ended after a grace period and queued again. Raises as `pause`."""
        return self._ask(id, AgentMode.STOPPING)

    def _ask(self, id: str, mode: AgentMode) -> Agent:
        def work(tx: Transaction) -> Agent:
            agent = _load(tx, id)
            if agent.status is not AgentStatus.ONLINE or RANK[mode] < RANK[agent.mode]:
                raise IllegalTransition(
                    f"agent {agent.name} is {agent.state} and cannot become {mode}",
                    field="mode",
                    hint="an agent that drains or stops cannot be called back: start another",
                )
            return agent if agent.mode is mode else _save(tx, replace(agent, mode=mode), "agent:changed")

        return self._store.write(work).result()

    def heartbeat(self, id: str, vitals: Vitals | None = None) -> None:
        """Renew the lease. An agent that had been given up comes back online with the tasks it still has."""

        self._store.post(f"heartbeat/{id}", lambda tx: _beat(tx, id, vitals))

    def renew(self, id: str) -> Agent:
        """The same, and return once it is saved.

        Raises:
            NotFound: there is no such agent.
        """
        agent = self._store.write(lambda tx: _beat(tx, id)).result()
        if agent is None:
            raise _unknown(id)
        return agent

    def leave(self, id: str) -> None:
        """Note that the agent ended in good order; tasks that it still has are cancelled; claimed ones queued again."""

        def work(tx: Transaction) -> None:
            found = tx.get("agents", id)
            if found is None or found["status"] != AgentStatus.ONLINE:
                return
            cancel, release = moves.cancelling("its process ended"), holds.releasing()
            for document in _active_of(tx, id, 10_000):
                task = moves.load(tx, document["id"])
                if task.status is Status.ACTIVE:  # not cancelled with its parent just now
                    (release if task.claim else cancel)(tx, task)
            agent = Agent.from_document(found).with_status(AgentStatus.OFFLINE)
            tx.put("agents", agent.to_document())
            tx.emit("agent:offline", id, agent.to_document())

        self._store.write(work).result(10.0)

    def get(self, id: str) -> Agent:
        """One agent.

        Raises:
            NotFound: there is no such agent.
        """
        found = self._store.get("agents", id)
        if found is None:
            raise _unknown(id)
        return Agent.from_document(found)

    def list(self, *, status: AgentStatus | None = None, limit: int = 100) -> list[Agent]:
        """Agents, the newest first."""
        where = {} if status is None else {"status": status.value}
        page = self._store.find(Query("agents", where, limit=limit))
        return [Agent.from_document(document) for document in page.documents]

    def prune(self, before: datetime) -> int:
        """Forget agents that ended, or were lost, before a moment; returns how many, 1,000 at most."""
        where = {"status": (AgentStatus.OFFLINE.value, AgentStatus.LOST.value)}
        gone = {**where, "expires_at": Range("", to_text(before))}
        found = self._store.find(Query("agents", gone, "expires_at", limit=1_000)).documents

        def work(tx: Transaction) -> None:
            for document in found:
                tx.delete("agents", document["id"])

        self._store.write(work).result()
        return len(found)

    def reap(self, now_text: str) -> int:
        """Fail the tasks of every agent whose lease ran out before `now_text`; returns how many tasks.

        Each keeps its last progress and gets the error code `lost`. One that the agent had claimed is queued again if
        its policy and attempts allow it.
        """
        return sum(self._reap_agent(id) for id in self._expired(now_text))

    def watch(self) -> int:
        """Reap the agents whose lease had run out at the last call already; returns how many tasks were failed.

        When this machine slept, every lease has run out: the others get until the next call to show that they live.
        """
        expired = self._expired(to_text(utc_now()))
        ripe = [id for id, lapsed in expired.items() if self._suspects.get(id) == lapsed]
        self._suspects = expired
        return sum(self._reap_agent(id) for id in ripe)

    def _expired(self, now_text: str) -> dict[str, str]:
        where = {"status": AgentStatus.ONLINE.value, "expires_at": Range("", now_text)}
        found = self._store.find(Query("agents", where, "expires_at", limit=1_000)).documents
        return {document["id"]: document["expires_at"] for document in found}

    def _reap_agent(self, id: str) -> int:
        lost = 0
        while True:
            step = self._store.write(lambda tx: self._lose(tx, id)).result()
            lost += step
            if step < REAP_AT_ONCE:
                return lost

    def _lose(self, tx: Transaction, id: str) -> int:
        found = tx.get("agents", id)
        if found is None or found["status"] != AgentStatus.ONLINE or found["expires_at"] > to_text(tx.now):
            return 0
        agent = Agent.from_document(found)
        lose = failures.failing(_lost(agent), again=True)
        documents = _active_of(tx, id, REAP_AT_ONCE)
        for document in documents:
            lose(tx, moves.with_content(tx, document))
        if len(documents) < REAP_AT_ONCE:
            agent = agent.with_status(AgentStatus.LOST)
            tx.put("agents", agent.to_document())
            tx.emit("agent:lost", id, agent.to_document())
        return len(documents)


def this_process(name: str | None, lease: float) -> NewAgent:
    """The process that calls this, as an agent; named after its program where no name is given."""
    label = name or f"{Path(sys.argv[0] or 'python').name or 'python'} ({os.getpid()})"
    return NewAgent(id=new_id(), name=label[:MAX_NAME], host=socket.gethostname(), pid=os.getpid(), lease=lease)


RANK = {AgentMode.WORKING: 0, AgentMode.PAUSED: 0, AgentMode.DRAINING: 1, AgentMode.STOPPING: 2}
"""An agent can be asked for a mode of the same rank or a higher one."""


def _load(tx: Transaction, id: str) -> Agent:
    found = tx.get("agents", id)
    if found is None:
        raise _unknown(id)
    return Agent.from_document(found)


def _save(tx: Transaction, agent: Agent, event: str) -> Agent:
    tx.put("agents", agent.to_document())
    tx.emit(event, agent.id, agent.to_document())
    return agent


def _beat(tx: Transaction, id: str, vitals: Vitals | None = None) -> Agent | None:
    found = tx.get("agents", id)
    if found is None:
        return None
    before = Agent.from_document(found)
    agent = before.beaten(tx.now, vitals)
    tx.put("agents", agent.to_document())
    if before.status is not AgentStatus.ONLINE:
        tx.emit("agent:online", id, agent.to_document())
    return agent


def _unknown(id: str) -> NotFound:
    return NotFound(f"no agent {id!r:.80}", field="id")


def _active_of(tx: Transaction, agent_id: str, limit: int) -> list[Document]:
    return tx.find(Query("tasks", {"agent_id": agent_id, "status": Status.ACTIVE.value}, limit=limit)).documents


def _lost(agent: Agent) -> TaskError:
    return TaskError(
        "AgentLost",
        f"{agent.name} on {agent.host} (pid {agent.pid}) stopped without finishing this task; "
        f"its last sign of life was at {agent.heartbeat_at:%Y-%m-%d %H:%M:%S} UTC",
        code="lost",
    )
