"""What the services keep can be folded again from the log."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from claudia_core.app import Claudia
from claudia_core.errors import InvalidValue
from claudia_core.model.report import ErrorReport
from claudia_core.model.task import Status
from claudia_core.ports import Query, Retention, Sample, Store
from claudia_core.services.replay import documents as replay_documents
from claudia_core.services.replay import service as module
from claudia_core.services.replay.service import replay
from claudia_core.services.tasks.lateness import Lateness
from claudia_core.settings import default_settings
from claudia_core.stores.memory import MemoryStore
from claudia_core.testing.clock import FakeClock
from tests.cli.program import run


@pytest.fixture(params=["memory", "sqlite"])
def busy(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Claudia]:
    """A hub in which much has happened."""
    url = "memory://" if request.param == "memory" else str(tmp_path / "claudia.db")
    with Claudia(settings=default_settings(database_url=url, display="off")) as claudia:
        for n in range(30):
            task = claudia.tasks.create(name=f"t{n}", type=f"type{n % 3}", tags=["a"] if n % 2 else [])
            claudia.tasks.start(task.id)
            claudia.progress.report_progress(task.id, n, total=100)
            if n % 3 == 0:
                claudia.tasks.complete(task.id)
            elif n % 3 == 1:
                claudia.tasks.fail(task.id, ValueError(f"kind {n % 2}"))
            if n % 9 == 1:
                claudia.tasks.retry(task.id)
        claudia.tasks.cancel(claudia.tasks.create(name="gone").id)
        watched = claudia.tasks.create(name="watched", stall_after=60.0, start=True)
        claudia.progress.report_progress(watched.id, 1, total=2)
        claudia.flush()
        yield claudia


TOLD = ("tasks", "issues", "occurrences")


def told(store: Store) -> tuple[list[object], list[Sample]]:
    """Everything that can be folded again."""
    documents = [store.find(Query(name, order="id", limit=10_000)).documents for name in TOLD]
    names = [*map(module.rollups.present, Status)]
    for series in ("tasks.created", "tasks.completed", "tasks.failed", "tasks.cancelled", "errors", "tasks.seconds"):
        names += [f"{series}/minute", f"{series}/hour"]
    samples = store.samples(names) + store.totals("tasks.type/") + store.totals("tasks.tag/")
    return documents, [one for one in samples if one.value]


def spoil(store: Store) -> None:
    """As after a fault: documents lost and wrong, counts that drifted."""
    tasks = store.find(Query("tasks", order="id", limit=100)).documents
    issues = store.find(Query("issues", order="id")).documents
    errors = store.find(Query("occurrences", order="id")).documents

    def work(tx):
        tx.put("tasks", {**tasks[0], "name": "wrong"})
        tx.put("tasks", {**tasks[2], "progress": {**tasks[2]["progress"], "current": 99.0}})
        tx.delete("tasks", tasks[1]["id"])
        tx.delete("issues", issues[0]["id"])
        tx.delete("occurrences", errors[0]["id"])
        tx.put("occurrences", {**errors[1], "issue_id": "another"})
        tx.increment("tasks.now.completed", by=7)
        tx.increment("tasks.created/hour", tx.now.timestamp() // 3600 * 3600, 5)
        tx.increment("tasks.type/type1", by=-3)

    store.write(work).result(10)


def test_a_sound_hub_has_nothing_to_put_right(busy: Claudia) -> None:
    """Every document and count is what the log says."""
    before, head = told(busy.store), busy.store.head()
    found = replay(busy.store)
    assert [(one.name, one.wrong) for one in found] == [(name, 0) for name in (*TOLD, "rollups")]
    assert [one.compared for one in found[:3]] == [32, 1, 10]
    assert busy.store.head() == head, "nothing was put right, so nobody is told"
    assert told(busy.store) == before


@pytest.mark.parametrize(("told_at_once", "behind"), [(50_000, 5_000), (7, 20)], ids=["at once", "in parts"])
def test_what_was_spoilt_is_put_right(
    busy: Claudia, monkeypatch: pytest.MonkeyPatch, told_at_once: int, behind: int
) -> None:
    """A check counts it and changes nothing; a replay makes it what it was, however much fits into memory."""
    monkeypatch.setattr(replay_documents, "MOST_TOLD", told_at_once)
    monkeypatch.setattr(module, "BEHIND", behind)
    monkeypatch.setattr(module, "SLICE", 10)
    before = told(busy.store)
    spoil(busy.store)
    spoilt = told(busy.store)
    steps: list[tuple[int, int]] = []
    checked = {one.name: one.wrong for one in replay(busy.store, mend=False, progress=lambda *step: steps.append(step))}
    assert checked["issues"] == 1
    assert checked["occurrences"] >= 1
    assert checked["tasks"] >= 3
    assert checked["rollups"] >= 3
    assert steps[-1][0] == steps[-1][1] == busy.store.head()
    assert told(busy.store) == spoilt
    replay(busy.store)
    assert told(busy.store) == before
    assert sum(one.wrong for one in replay(busy.store)) == 0


def test_only_what_is_named(busy: Claudia) -> None:
    """The others stay as they are; an unknown name is refused with those there are."""
    spoil(busy.store)
    assert [one.name for one in replay(busy.store, ["issues"])] == ["issues"]
    assert {one.name: one.wrong for one in replay(busy.store, mend=False)}["issues"] == 0
    assert {one.name: one.wrong for one in replay(busy.store, mend=False)}["tasks"] == 3
    with pytest.raises(InvalidValue, match="no projection") as caught:
        replay(busy.store, ["nothing"])
    assert "rollups" in str(caught.value.hint)


def test_what_the_log_no_longer_holds_stays(busy: Claudia) -> None:
    """Counts and tasks from before the oldest event are not taken for wrong."""
    busy.store.prune(Retention(events=20))
    before = told(busy.store)
    assert [one.wrong for one in replay(busy.store)][:2] == [0, 0]
    assert told(busy.store) == before
    busy.store.prune(Retention(age=timedelta(0)))
    replay(busy.store)
    assert told(busy.store) == before


def test_what_was_thinned_out_stays_away(hub: Claudia) -> None:
    """Of an issue with many errors some are deleted on purpose: they are neither missed nor brought back."""
    for number in range(320):
        hub.errors.report(ErrorReport(type="Error", message=f"number {number}"))
    (issue,) = hub.store.find(Query("issues")).documents
    assert issue["kept"] < issue["count"] == 320
    before = hub.store.find(Query("occurrences", limit=1_000)).documents
    assert [one.wrong for one in replay(hub.store)] == [0, 0, 0, 0]
    assert hub.store.find(Query("occurrences", limit=1_000)).documents == before


# --- a task with a limit on its silence -------------------------------------------------------------------------------

LIMIT = 60.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """The time of the hub."""
    clock = FakeClock()
    monkeypatch.setattr("claudia_core.services.tasks.lateness.utc_now", clock.now)
    return clock


@pytest.fixture
def hub(clock: FakeClock) -> Iterator[Claudia]:
    """A hub that nobody looks after but the test."""
    with Claudia(store=MemoryStore(clock=clock), settings=default_settings(display="off")) as hub:
        yield hub


LIVES = {
    "pending": "",
    "started": "s",
    "heard of": "sp",
    "heard of in time": "s.p.p",
    "looked at, with news": "s.p.pl",
    "silent": "s..l",
    "silent again": "s..lp..l",
    "heard of after a silence": "s..lp",
    "heard of, then looked at": "s..l.pl",
    "ended in silence": "s..lc",
    "failed and tried again": "s..lfrs.p",
    "waits again": "sp..lfr",
}
"""What happens to a task: it starts, `.` is half its limit, progress, a look, it completes, fails, is retried."""


def live(hub: Claudia, clock: FakeClock, life: str) -> str:
    """Let a task live; returns its id."""
    task = hub.tasks.create(name="watched", stall_after=LIMIT)
    steps = {
        "s": lambda: hub.tasks.start(task.id),
        ".": lambda: clock.move(LIMIT / 2),
        "p": lambda: hub.tasks.progress(task.id, clock.now().timestamp(), message="on"),
        "l": lambda: Lateness(hub.store).look(),
        "c": lambda: hub.tasks.complete(task.id),
        "f": lambda: hub.tasks.fail(task.id, "no"),
        "r": lambda: hub.tasks.retry(task.id),
    }
    for step in life:
        steps[step]()
    hub.flush()
    return task.id


@pytest.mark.parametrize("life", LIVES.values(), ids=LIVES.keys())
def test_silence_is_told_by_the_log(hub: Claudia, clock: FakeClock, life: str) -> None:
    """Whatever happened to it, the task is what the log says; a look alone makes no difference."""
    id = live(hub, clock, life)
    before = hub.store.get("tasks", id)
    assert [one.wrong for one in replay(hub.store)] == [0, 0, 0, 0]
    assert hub.store.get("tasks", id) == before


@pytest.mark.parametrize("spoilt", ["lost", "silent", "forgotten", "progress"])
@pytest.mark.parametrize("life", LIVES.values(), ids=LIVES.keys())
def test_silence_is_put_right(hub: Claudia, clock: FakeClock, life: str, spoilt: str) -> None:
    """A lost or wrong one becomes what it was, silent or not; its next silence is noted as if nothing had been."""
    id = live(hub, clock, life)
    before = hub.store.get("tasks", id)
    assert before is not None
    changes = {
        "silent": {"stalled_at": None if before["stalled_at"] else before["updated_at"]},
        "forgotten": {"watch_at": None if before["watch_at"] else before["updated_at"]},
        "progress": {"progress": {**before["progress"], "message": "wrong"}},
    }
    wrong = {**before, **changes.get(spoilt, {})}
    hub.store.write(lambda tx: tx.delete("tasks", id) if spoilt == "lost" else tx.put("tasks", wrong)).result()
    assert replay(hub.store, ["tasks"])[0].wrong == 1
    after = hub.store.get("tasks", id)
    assert after is not None
    assert {**after, "watch_at": None} == {**before, "watch_at": None}
    assert (after["watch_at"] is None) == (before["watch_at"] is None)
    silences = len(hub.events.list(types=["task:stalled"], subject=id).events)
    clock.move(LIMIT)
    for _ in range(3):  # a look that comes too early says when to look again
        Lateness(hub.store).look()
    is_watched = before["status"] == "active" and before["stalled_at"] is None
    assert len(hub.events.list(types=["task:stalled"], subject=id).events) == silences + is_watched


def test_the_command(tmp_path: Path) -> None:
    """`claudia replay --check` finds, by its exit code too; `claudia replay` puts right."""
    file = tmp_path / ".claudia" / "claudia.db"
    with Claudia(settings=default_settings(database_url=str(file), display="off")) as claudia:
        for n in range(3):
            claudia.tasks.complete(claudia.tasks.start(claudia.tasks.create(name=f"t{n}").id).id)
        claudia.store.write(lambda tx: tx.increment("tasks.now.completed", by=7)).result()
    checked = run(tmp_path, "replay", "--check")
    assert checked.returncode == 1, checked.stderr
    assert "1 differ" in checked.stdout
    assert run(tmp_path, "replay", "rollups").returncode == 0
    assert run(tmp_path, "replay", "--check").returncode == 0
    boards = run(tmp_path, "replay", "boards")
    assert boards.returncode == 0
    assert "boards" in boards.stdout
    assert "every process makes its pictures anew" in boards.stdout
    unknown = run(tmp_path, "replay", "nothing")
    assert unknown.returncode == 2
    assert "tasks, issues, occurrences, rollups" in unknown.stderr
