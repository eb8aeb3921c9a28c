"""What the services keep can be folded again from the log."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from claudia_core.app import Claudia
from claudia_core.errors import InvalidValue
from claudia_core.model.task import Status
from claudia_core.ports import Query, Retention, Sample, Store
from claudia_core.services import replay as module
from claudia_core.services.replay import replay
from claudia_core.settings import default_settings
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


def told(store: Store) -> tuple[list[object], list[Sample]]:
    """Everything that can be folded again."""
    documents = [store.find(Query(name, order="id", limit=10_000)).documents for name in ("tasks", "issues")]
    names = [*map(module.rollups.present, Status)]
    for series in ("tasks.created", "tasks.completed", "tasks.failed", "tasks.cancelled", "errors", "tasks.seconds"):
        names += [f"{series}/minute", f"{series}/hour"]
    samples = store.samples(names) + store.totals("tasks.type/") + store.totals("tasks.tag/")
    return documents, [one for one in samples if one.value]


def spoil(store: Store) -> None:
    """As after a fault: documents lost and wrong, counts that drifted."""
    tasks = store.find(Query("tasks", order="id", limit=100)).documents
    issues = store.find(Query("issues", order="id")).documents

    def work(tx):
        tx.put("tasks", {**tasks[0], "name": "wrong"})
        tx.put("tasks", {**tasks[2], "progress": {**tasks[2]["progress"], "current": 99.0}})
        tx.delete("tasks", tasks[1]["id"])
        tx.delete("issues", issues[0]["id"])
        tx.increment("tasks.now.completed", by=7)
        tx.increment("tasks.created/hour", tx.now.timestamp() // 3600 * 3600, 5)
        tx.increment("tasks.type/type1", by=-3)

    store.write(work).result(10)


def test_a_sound_hub_has_nothing_to_put_right(busy: Claudia) -> None:
    """Every document and count is what the log says."""
    before = told(busy.store)
    found = replay(busy.store)
    assert [(one.name, one.wrong) for one in found] == [("tasks", 0), ("issues", 0), ("rollups", 0)]
    assert found[0].compared == 32
    assert told(busy.store) == before


@pytest.mark.parametrize(("told_at_once", "behind"), [(50_000, 5_000), (7, 20)], ids=["at once", "in parts"])
def test_what_was_spoilt_is_put_right(
    busy: Claudia, monkeypatch: pytest.MonkeyPatch, told_at_once: int, behind: int
) -> None:
    """A check counts it and changes nothing; a replay makes it what it was, however much fits into memory."""
    monkeypatch.setattr(module, "MOST_TOLD", told_at_once)
    monkeypatch.setattr(module, "BEHIND", behind)
    monkeypatch.setattr(module, "SLICE", 10)
    before = told(busy.store)
    spoil(busy.store)
    spoilt = told(busy.store)
    steps: list[tuple[int, int]] = []
    checked = {one.name: one.wrong for one in replay(busy.store, mend=False, progress=lambda *step: steps.append(step))}
    assert checked["issues"] == 1
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
    unknown = run(tmp_path, "replay", "nothing")
    assert unknown.returncode == 2
    assert "tasks, issues, rollups" in unknown.stderr
