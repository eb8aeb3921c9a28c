"""What live pictures show is what the log tells, and is made anew when what they were made of was put right."""

from datetime import timedelta

import pytest

from claudia_core import boards, failures, past
from claudia_core.app import Claudia
from claudia_core.model import Status
from claudia_core.past import compare_boards
from claudia_core.ports import Query, Retention
from claudia_core.services.replay.service import replay, tell_pictures
from claudia_core.services.tasks.lateness import Lateness
from claudia_core.settings import default_settings
from claudia_core.stores.memory import MemoryStore
from claudia_core.testing.builders import saved_task
from claudia_core.testing.clock import FakeClock
from claudia_core.testing.waiting import eventually


def some_work(claudia):
    for status in Status:
        for number in range(3):
            saved_task(claudia, status, name=f"{status.value} {number}")
    claudia.flush()


def test_a_sound_hub_shows_what_the_log_tells(claudia):
    """Open, ended and failed tasks and the counts; nothing differs."""
    some_work(claudia)
    found = compare_boards(claudia.store)
    assert (found.name, found.wrong) == ("boards", 0)
    assert found.compared == 6 + 9 + 3 + len(Status)


@pytest.mark.parametrize(
    ("spoil", "wrong"),
    [
        (lambda tx, rows: tx.put("tasks", {**rows["pending 0"], "name": "wrong"}), 1),
        (
            lambda tx, rows: tx.put("tasks", {**rows["failed 0"], "name": "wrong"}),
            3,
        ),  # among the ended, as a kind of failure, and its own
        (lambda tx, rows: tx.delete("tasks", rows["active 1"]["id"]), 1),
        (lambda tx, rows: tx.put("tasks", {**rows["active 1"], "id": "never made"}), 1),
        (lambda tx, rows: tx.increment("tasks.now.active", by=2), 1),
    ],
    ids=["row", "failed row", "lost row", "invented row", "count"],
)
def test_what_differs_is_counted(claudia, spoil, wrong):
    """A row that is shown otherwise than the log tells it, one that is missing, one too many, a count."""
    some_work(claudia)
    rows = {row["name"]: row for row in claudia.store.find(Query("tasks")).documents}
    claudia.store.write(lambda tx: spoil(tx, rows)).result()
    assert compare_boards(claudia.store).wrong == wrong


def test_what_is_no_longer_told_is_not_wrong(claudia):
    """Tasks and counts from before the oldest event that is kept are left alone; the rest is compared."""
    some_work(claudia)
    claudia.store.prune(Retention(age=timedelta(0)))
    last = saved_task(claudia, Status.ACTIVE, name="last")
    assert compare_boards(claudia.store).wrong == 0
    row = claudia.store.get("tasks", last.id)
    claudia.store.write(lambda tx: tx.put("tasks", {**row, "name": "wrong"})).result()
    assert compare_boards(claudia.store).wrong == 1


def test_full_lists(claudia, monkeypatch):
    """Of more tasks than a list holds, those that both hold are compared."""
    for module, name, most in ((boards, "MOST_RECENT", 4), (failures, "MOST_KINDS", 2)):
        monkeypatch.setattr(module, name, most)
        monkeypatch.setattr(past, name, most)
    some_work(claudia)
    assert compare_boards(claudia.store).wrong == 0


def test_pages_show_what_was_put_right(tmp_path):
    """A picture in another process that was made of wrong documents is made anew after a replay, without a restart."""
    settings = default_settings(database_url=str(tmp_path / "claudia.db"), display="off")
    with Claudia(settings=settings) as claudia, Claudia(settings=settings) as other:
        task = saved_task(claudia, Status.ACTIVE, name="right")
        row = claudia.store.get("tasks", task.id)
        claudia.store.write(lambda tx: tx.put("tasks", {**row, "name": "wrong"})).result()
        claudia.store.write(lambda tx: tx.increment("tasks.now.active", by=2)).result()
        board = other.boards.tasks
        assert [row["name"] for row in board.picture().open] == ["wrong"]
        assert board.picture().counts[Status.ACTIVE] == 3
        assert sum(one.wrong for one in replay(claudia.store)) == 2
        eventually(lambda: [row["name"] for row in board.picture().open] == ["right"], 10)
        assert board.picture().counts[Status.ACTIVE] == 1
        (event,) = claudia.events.list(types=["hub:replayed"]).events
        assert event.data == {"put_right": {"tasks": 1, "issues": 0, "occurrences": 0, "rollups": 1}}


def test_pictures_are_made_anew_when_asked(claudia):
    """Whatever a picture in memory had become, it is what the store has afterwards."""
    some_work(claudia)
    board = claudia.boards.tasks
    board._open.clear()  # as after a fault
    assert not board.picture().open
    tell_pictures(claudia.store, [compare_boards(claudia.store)])
    eventually(lambda: len(board.picture().open) == 6, 10)


def test_a_task_that_is_heard_of_again_is_not_shown_as_silent(monkeypatch):
    """Progress after a silence ends it in the picture as in the store."""
    clock = FakeClock()
    monkeypatch.setattr("claudia_core.services.tasks.lateness.utc_now", clock.now)
    with Claudia(store=MemoryStore(clock=clock), settings=default_settings(display="off")) as hub:
        board = hub.boards.tasks
        task = hub.tasks.create("quiet", stall_after=5, start=True)
        clock.move(6)
        Lateness(hub.store).look()
        hub.feed.wait_until(hub.store.head())
        assert board.picture().open[0]["stalled_at"] is not None
        hub.tasks.progress(task.id, 1)
        hub.flush()
        hub.feed.wait_until(hub.store.head())
        assert board.picture().open[0]["stalled_at"] is None
        assert compare_boards(hub.store).wrong == 0
