"""`/ws/tasks/{id}`: one task to its end, whatever the end is."""

import asyncio
import json
from contextlib import suppress
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosedError

from claudia_core import Claudia
from claudia_core.api.realtime import Limits
from claudia_core.ports import Retention
from tests.api.realtime.serving import Served, hear, say, serving

ENDS = {
    "completed": lambda hub, id: hub.tasks.complete(id, {"rows": 3}),
    "failed": lambda hub, id: hub.tasks.fail(id, "no more rows"),
    "cancelled": lambda hub, id: hub.tasks.cancel(id),
}


async def all_of(client: ClientConnection) -> list[dict[str, Any]]:
    """Every message until the connection closes."""
    messages: list[dict[str, Any]] = []
    with suppress(ConnectionClosedError):
        async with asyncio.timeout(5):
            async for text in client:
                messages.append(json.loads(text))  # noqa: PERF401 - what came before an error counts
    return messages


@pytest.mark.parametrize("end", ENDS)
async def test_a_task_is_told_to_its_end(served: Served, end: str) -> None:
    """First the present state, then every change, then the end; the connection closes with 1000."""
    task = served.claudia.tasks.create("rows", estimated_steps=4)
    async with served.ws(f"/ws/tasks/{task.id}") as client:
        first = await hear(client)
        assert (first["status"], first["task_id"], first["event"]) == ("pending", task.id, None)
        served.claudia.tasks.start(task.id)
        assert (await hear(client))["status"] == "active"
        served.claudia.progress.report_progress(task.id, 1, message="one")
        moved = await hear(client)
        assert (moved["status"], moved["event"]) == ("active", "progress:updated")
        assert (moved["progress"]["percentage"], moved["progress"]["message"]) == (25.0, "one")
        ENDS[end](served.claudia, task.id)
        last = (await all_of(client))[-1]
        assert client.close_code == 1000
    assert last["status"] == last["task"]["status"] == end
    assert (last["error"] is not None) == (end == "failed")


@pytest.mark.parametrize("end", ENDS)
async def test_a_task_that_has_ended_is_told_at_once(served: Served, end: str) -> None:
    """Whoever asks too late still gets the answer."""
    task = served.claudia.tasks.create("rows", start=True)
    ENDS[end](served.claudia, task.id)
    async with served.ws(f"/ws/tasks/{task.id}") as client:
        assert [message["status"] for message in await all_of(client)] == [end]
        assert client.close_code == 1000


async def test_an_unknown_task_is_an_error(served: Served) -> None:
    """The message has the stable code, and the close code says that waiting is in vain."""
    async with served.ws("/ws/tasks/nothing") as client:
        error = await hear(client)
        assert (error["type"], error["code"]) == ("error", "task_not_found")
        assert await all_of(client) == []
        assert (client.close_code, client.close_reason) == (4404, "task_not_found")


async def test_who_may_not_read_the_task_is_refused(claudia: Claudia) -> None:
    """The hook is asked for `task:{id}`; a refusal says nothing about whether the task exists."""
    task = claudia.tasks.create("secret")
    with serving(claudia, authorize=lambda scope, channel: False) as served:
        async with served.ws(f"/ws/tasks/{task.id}") as client:
            assert (await hear(client))["code"] == "access_denied"
            assert await all_of(client) == []
            assert client.close_code == 1008


async def test_other_tasks_are_not_told(served: Served) -> None:
    """Only this task's changes come, also while others change; and a ping is answered."""
    mine, other = (served.claudia.tasks.create(name, start=True) for name in ("mine", "other"))
    async with served.ws(f"/ws/tasks/{mine.id}") as client:
        await hear(client)
        assert await say(client, type="ping") == {"type": "pong"}
        assert (await say(client, type="subscribe"))["code"] == "invalid_value"
        for n in range(20):
            served.claudia.progress.report_progress(other.id, n)
        served.claudia.tasks.complete(mine.id)
        messages = await all_of(client)
    assert [message["status"] for message in messages] == ["completed"]


async def test_many_watch_one_task(served: Served) -> None:
    """All watchers see the same changes in the same order."""
    task = served.claudia.tasks.create("rows", start=True, estimated_steps=30)

    async def watch() -> list[str]:
        async with served.ws(f"/ws/tasks/{task.id}") as client:
            return [message["cursor"] for message in await all_of(client)][1:]

    watchers = [asyncio.create_task(watch()) for _ in range(5)]
    for _ in range(100):
        if served.realtime.connections == 5:
            break
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.2)
    for n in range(1, 30):
        await asyncio.to_thread(served.claudia.progress.report_progress, task.id, n)
    served.claudia.tasks.complete(task.id)
    seen = await asyncio.gather(*watchers)
    assert all(cursors == seen[0] for cursors in seen)
    assert len(seen[0]) == 30


async def test_a_watcher_behind_what_is_kept_is_told_the_present(claudia: Claudia) -> None:
    """Where the changes are pruned before a slow watcher read them, it gets the state again, and never hangs."""
    task = claudia.tasks.create("rows", start=True, estimated_steps=30_000, labels={"long": "x" * 100})
    with serving(claudia, limits=Limits(window_events=10, batch_bytes=1_000)) as served:
        async with served.ws(f"/ws/tasks/{task.id}", max_queue=1) as client:
            await hear(client)
            await asyncio.to_thread(_much_progress, claudia, task.id)
            claudia.tasks.complete(task.id)
            claudia.store.prune(Retention(events=1))
            messages = await all_of(client)
    assert messages[-1]["status"] == "completed"


def _much_progress(claudia: Claudia, id: str) -> None:
    for n in range(1, 400):
        claudia.progress.update(id, n)
        claudia.flush()
