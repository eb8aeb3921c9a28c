"""The live picture of tasks, folded once for all pages."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from claudia_core.boards import MOST_ACTIVE, MOST_ERRORS, MOST_EVENTS, MOST_RECENT, TaskBoard, minutes
from claudia_core.errors import InvalidValue
from claudia_core.model import Status
from claudia_core.model.times import utc_now
from claudia_core.past import picture_at
from claudia_core.ports import Retention
from claudia_core.services.tasks.failures import failing
from claudia_core.services.tasks.moves import completing
from claudia_core.services.tasks.service import NewTask
from claudia_core.testing.builders import saved_task


def picture_now(claudia):
    """The picture once the feed has handed everything on."""
    board = claudia.boards.tasks
    claudia.feed.wait_until(claudia.store.head())
    return board.picture()


def names(rows):
    return [row["name"] for row in rows]


def test_the_first_picture(claudia):
    """What was there before the board was made."""
    saved_task(claudia, Status.PENDING, name="pending")
    saved_task(claudia, Status.ACTIVE, name="active")
    saved_task(claudia, Status.COMPLETED, name="completed")
    saved_task(claudia, Status.FAILED, name="failed")
    picture = picture_now(claudia)
    assert names(picture.open) == ["active", "pending"]
    assert names(picture.recent) == ["failed", "completed"]
    assert [error["message"] for error in picture.errors] == ["it broke"]
    assert "traceback" not in picture.errors[0]
    assert picture.counts == {**dict.fromkeys(Status, 1), Status.CANCELLED: 0}
    assert [event.sequence for event in picture.events] == list(range(picture.sequence, 0, -1))
    assert picture.minutes[-1].created == 4 or picture.minutes[-2].created
    assert len(picture.minutes) == 60


def test_what_is_folded_is_what_is_loaded(claudia):
    """A board that saw every event shows the same as one that reads the store now."""
    board = claudia.boards.tasks
    task = saved_task(claudia, name="retried")
    for _ in range(2):
        claudia.tasks.start(task.id)
        claudia.tasks.progress(task.id, 3, total=9, message="on")
        claudia.tasks.fail(task.id, "no")
        claudia.tasks.retry(task.id)
    claudia.tasks.start(task.id)
    claudia.tasks.progress(task.id, 4)
    for status in Status:
        saved_task(claudia, status, name=status.value)
    claudia.feed.wait_until(claudia.store.head())
    folded, fresh = board.picture(), TaskBoard(claudia.store)
    fresh.load()
    loaded = fresh.picture()
    by_id = {row["id"]: row for row in folded.open}
    assert by_id == {row["id"]: row for row in loaded.open}
    assert by_id[task.id]["progress"]["current"] == 4
    assert folded.recent == loaded.recent
    assert (folded.counts, folded.events) == (loaded.counts, loaded.events)
    for one, other in zip(folded.errors, loaded.errors, strict=True):
        assert {**one, "issue": None} == {**other, "issue": None}
        assert one["issue"].keys() == other["issue"].keys()
    assert folded.sequence == loaded.sequence == claudia.store.head()


def test_the_same_picture_while_nothing_happens(claudia):
    """The very same object, so that pages compare and do nothing; another after a change."""
    board = claudia.boards.tasks
    saved_task(claudia)
    first = picture_now(claudia)
    if first is not board.picture():  # the minute turned between the two
        first = board.picture()
    assert board.picture() is first
    assert board.version == first.version
    saved_task(claudia)
    second = picture_now(claudia)
    assert second is not first
    assert second.version > first.version
    assert len(first.open) == 1


def test_progress_moves_the_row(claudia):
    """Without touching the row that older pictures hold."""
    task = saved_task(claudia, Status.ACTIVE, estimated_steps=10)
    before = picture_now(claudia).open[0]
    claudia.progress.report_progress(task.id, 5, message="half")
    after = picture_now(claudia).open[0]
    assert (before["progress"]["current"], after["progress"]["current"]) == (0, 5)
    assert after == claudia.tasks.get(task.id).to_summary()


def test_it_is_bounded(claudia):
    """However much happens: the newest are held, the counts are right all the same."""
    board = claudia.boards.tasks
    number = MOST_ACTIVE + 300
    running = saved_task(claudia, Status.ACTIVE, name="running")
    made = claudia.tasks.create_many(NewTask(name="many") for _ in range(number))
    picture = picture_now(claudia)
    assert len(picture.open) == MOST_ACTIVE
    assert running.id in {row["id"] for row in picture.open}, "waiting tasks go first"
    assert picture.counts[Status.PENDING] == number
    ids = [task.id for task in made[: MOST_RECENT + 50]]
    fail = failing("no")

    def fail_all(tx):
        from claudia_core.services.tasks import moves

        for id in ids:
            fail(tx, moves.load(tx, id))

    claudia.store.write(fail_all).result(30)
    picture = picture_now(claudia)
    assert (len(picture.recent), len(picture.errors), len(picture.events)) == (MOST_RECENT, MOST_ERRORS, MOST_EVENTS)
    assert picture.recent[0]["id"] == ids[-1]
    fresh = TaskBoard(claudia.store)
    fresh.load()
    assert len(fresh.picture().open) == MOST_ACTIVE
    assert running.id in {row["id"] for row in fresh.picture().open}
    assert len(board.picture().open) <= MOST_ACTIVE


def test_a_gap_loads_the_picture_anew(claudia):
    """Tasks that ended within the gap are not shown as open, and nothing is there twice."""
    board, blocked, go_on = claudia.boards.tasks, threading.Event(), threading.Event()
    ends, stays = saved_task(claudia, Status.ACTIVE), saved_task(claudia, Status.ACTIVE)
    picture_now(claudia)
    end = claudia.on("task:created", lambda event: blocked.set() or go_on.wait(20))
    saved_task(claudia, name="blocks the feed")
    assert blocked.wait(20)
    claudia.tasks.fail(ends.id, "within the gap")
    for step in range(20):
        claudia.progress.report_progress(stays.id, step)
    claudia.store.prune(Retention(events=3))
    go_on.set()
    end()
    claudia.progress.report_progress(stays.id, 50)
    picture = picture_now(claudia)
    assert picture.gap is not None
    assert ends.id not in {row["id"] for row in picture.open}
    assert [row["progress"]["current"] for row in picture.open if row["id"] == stays.id] == [50]
    assert [error["message"] for error in picture.errors] == ["within the gap"]
    sequences = [event.sequence for event in picture.events]
    assert sequences == sorted(set(sequences), reverse=True)
    assert board.picture() is picture


def test_one_board_for_all_pages(claudia):
    """Asked for from many threads, it is made once."""
    found, together = [], threading.Barrier(8)

    def ask():
        together.wait(10)
        found.append(claudia.boards.tasks)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(set(map(id, found))) == 1


def test_time_travel(claudia):
    """The picture of any kept moment: what was open, what had failed, and how far everything was."""
    task = saved_task(claudia, Status.ACTIVE, name="work", estimated_steps=10)
    claudia.progress.report_progress(task.id, 3)
    then = utc_now()
    while utc_now() == then:
        """Until the clock has moved."""
    claudia.progress.report_progress(task.id, 7)
    claudia.tasks.fail(task.id, "later")
    past = picture_at(claudia.store, then)
    assert [(row["status"], row["progress"]["current"]) for row in past.open] == [("active", 3)]
    assert (past.recent, past.errors) == ((), ())
    assert past.counts[Status.ACTIVE] == 1
    assert past.as_of == then
    now = picture_at(claudia.store, utc_now())
    assert [(row["status"], row["progress"]["current"]) for row in now.recent] == [("failed", 7)]
    assert [error["message"] for error in now.errors] == ["later"]
    assert now.sequence == claudia.store.head()
    before = picture_at(claudia.store, datetime(2020, 1, 1, tzinfo=UTC))
    assert (before.open, before.recent, before.sequence) == ((), (), 0)


def test_time_travel_in_any_zone(claudia):
    """A moment without one is a guess and refused."""
    from datetime import timezone

    saved_task(claudia)
    east = utc_now().astimezone(timezone(timedelta(hours=5)))
    assert len(picture_at(claudia.store, east).open) == 1
    with pytest.raises(InvalidValue, match="moment"):
        picture_at(claudia.store, datetime(2026, 1, 1))  # noqa: DTZ001 - the mistake under test


def test_time_travel_over_a_pruned_log(claudia):
    """The picture says that something is missing."""
    for _ in range(5):
        saved_task(claudia)
    claudia.store.prune(Retention(events=2))
    past = picture_at(claudia.store, utc_now())
    assert (past.gap.first, past.gap.last) == (1, 3)
    assert len(past.open) == 2


def test_minutes(claudia):
    """Throughput by the minute, oldest first, zeros included."""
    now = utc_now().timestamp()
    saved_task(claudia, Status.COMPLETED)
    saved_task(claudia, Status.FAILED)
    found = minutes(claudia.store, now + 60, 3)
    assert [minute.at % 60 for minute in found] == [0, 0, 0]
    total = [sum(getattr(minute, name) for minute in found) for name in ("created", "completed", "failed", "errors")]
    assert total == [2, 1, 1, 1]
    assert minutes(claudia.store, 60.0, 2)[0].created == 0


def test_what_failed_stays_in_sight_behind_many_that_completed(claudia):
    """The picture keeps failed tasks apart from what ended last, until they are tried again."""
    broken = claudia.tasks.create("broken", start=True)
    claudia.tasks.fail(broken.id, "no luck")
    for task in claudia.tasks.create_many([NewTask(name="fine") for _ in range(250)], start=True):
        claudia.tasks.move_soon(task.id, completing(None))
    claudia.store.flush()
    assert names(one.newest for one in picture_now(claudia).failed) == ["broken"]
    claudia.tasks.retry(broken.id)
    assert picture_now(claudia).failed == ()
