"""Holds: an agent takes a task, hands it on or gives it back, and shows by the number of its claim that it has it."""

from __future__ import annotations

from dataclasses import replace

from claudia_core.errors import StaleClaim
from claudia_core.model.policy import RetryPolicy
from claudia_core.model.task import Status, Task
from claudia_core.ports import Transaction
from claudia_core.services.tasks import moves
from claudia_core.services.tasks.moves import Move


def claiming(agent_id: str, attempts: int, policy: RetryPolicy, stall_after: float | None) -> Move:
    """Pending becomes active by an agent that took it from its queue: its claim gets the next number."""

    def move(tx: Transaction, task: Task) -> Task:
        claimed = task.moved(
            Status.ACTIVE,
            tx.now,
            started_at=tx.now,
            agent_id=agent_id,
            claim=task.claim + 1,
            attempts=max(task.attempts, attempts),
            policy=policy,
            stall_after=task.stall_after or stall_after,
            error=None,
        )
        moves.count(tx, task, claimed)
        moves.save(tx, claimed, "task:started")
        return claimed

    return Move("start", {"agent_id": agent_id}, move)


def adopting(agent_id: str) -> Move:
    """Active changes hands: who claimed it had it wait for somebody else, who begins it now, on a claim of its own."""

    def move(tx: Transaction, task: Task) -> Task:
        taken = task.changed(tx.now, agent_id=agent_id, claim=task.claim + 1, started_at=tx.now)
        taken = replace(taken, watch_at=taken.next_look(tx.now))
        moves.save(tx, taken, "task:updated")
        return taken

    return Move("adopt", {"agent_id": agent_id}, move)


def fenced(move: Move, claim: int) -> Move:
    """The same change, refused unless that claim of the task still counts.

    The claim's number is a fencing token: it grows with each claim, so that whoever was taken for lost, and comes back
    while another works on the task, changes nothing. (M. Kleppmann, How to do distributed locking, 2016)
    """

    def make(tx: Transaction, task: Task) -> Task:
        require_claim(task, claim)
        return move(tx, task)

    return replace(move, values={**move.values, "claim": claim}, make=make)


def require_claim(task: Task, claim: int) -> None:
    """Refuse what is said for a claim that does not count any more.

    Raises:
        StaleClaim: the task is not active, or another claim of it counts.
    """
    if task.status is Status.ACTIVE and task.claim == claim:
        return
    now = f"agent {task.agent_id} has claim {task.claim}" if task.status is Status.ACTIVE else f"it is {task.status}"
    raise StaleClaim(
        f"claim {claim} of task {task.id} ({task.name}) does not count any more: {now}",
        field="claim",
        hint="stop working on it",
    )


def returning() -> Move:
    """Active becomes pending: its agent had claimed it ahead, and has not begun it. Nothing of it is spent."""

    def move(tx: Transaction, task: Task) -> Task:
        back = task.moved(Status.PENDING, tx.now, started_at=None, agent_id=None)
        moves.count(tx, task, back)
        moves.save(tx, back, "task:updated")
        return back

    return Move("return", {}, move)


def releasing() -> Move:
    """Active becomes pending: its agent gives it back unfinished. That does not count as one of its attempts."""

    def move(tx: Transaction, task: Task) -> Task:
        return moves.requeue(tx, task, "task:updated", attempts=task.attempts + 1)

    return Move("release", {}, move)
