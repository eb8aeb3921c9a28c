"""The report: what it says is what the store holds, in a file that is small, whole and harmless."""

import io
import re
import xml.etree.ElementTree as ET
from datetime import timedelta
from functools import partial
from itertools import pairwise

import pytest

from claudia_core.errors import InvalidValue
from claudia_core.model.health import Health
from claudia_core.model.task import Status
from claudia_core.model.times import utc_now
from claudia_core.services.tasks.new_task import NewTask
from dashboards.report import save, write_report
from dashboards.report.as_html import page
from dashboards.report.facts import MOST_FAILURES, collect
from dashboards.report.period import period
from dashboards.report.sections import MOST_LISTED, document
from tests.dashboards.staged import XSS, Read, lively, past

SMALL = 200_000
LARGEST = 3_000_000


def facts_of(hub, since="24h", until=None):
    now = utc_now()
    return collect(hub, period(since, until, now=now), now)


def html_of(hub, since="24h", **options):
    text = io.StringIO()
    write_report(hub, text, since, form="html", **options)
    return text.getvalue()


def hostile(hub):
    """Markup and scripts in every field that people can write."""
    for text in XSS:
        name = " ".join(text.split())
        values = {"type": name[:100], "tags": [name[:100]], "labels": {"label": text}, "unit": name[:50]}
        task = hub.tasks.create(name, start=True, estimated_steps=9, payload={text: text}, **values)
        hub.tasks.progress(task.id, 1, message=text)
        for tell in (partial(hub.tasks.fail, task.id), partial(hub.errors.capture, place=text)):
            try:
                raise RuntimeError(text)
            except RuntimeError as error:
                tell(error)
        hub.tasks.complete(hub.tasks.create(name, start=True, **values).id)
        going = hub.tasks.create(name, start=True, estimated_steps=9, **values)
        hub.tasks.progress(going.id, 4, message=text)
    hub.health.register(XSS[0], lambda: (Health.WARN, XSS[1]))
    hub.flush()


def test_the_numbers_are_those_of_the_store():
    """Counts, durations and the list of tasks agree with the tasks themselves; the period before is counted apart."""
    with past(hours=10) as (hub, clock):
        lively(hub, clock, 60)
        clock.move((utc_now() - clock.now()).total_seconds() - 4 * 3600)
        lively(hub, clock, 100, seed=8)
        facts = facts_of(hub, "5h")
        tasks = hub.tasks.list(limit=1000).tasks
        new = [task for task in tasks if task.finished_at >= facts.period.start]
        for status in (Status.COMPLETED, Status.FAILED, Status.CANCELLED):
            assert getattr(facts.tally, status.value) == sum(task.status is status for task in new)
            assert getattr(facts.before, status.value) == sum(task.status is status for task in tasks) - sum(
                task.status is status for task in new
            )
        assert (facts.tally.created, facts.before.created) == (100, 60)
        assert facts.tally.seconds == pytest.approx(sum(task.duration for task in new))
        assert {task.id for task in facts.ended} == {task.id for task in new}
        assert sum(bar.ended for bar in facts.bars) == facts.tally.ended == 100
        assert sum(bar.errors for bar in facts.bars) == facts.tally.errors == facts.tally.failed
        read = Read(page(document(facts, "A report")))
        assert f"{facts.tally.failed} tasks failed in the last 5 hours" in read.text
        assert f"from {facts.before.completed}" in read.text


def test_a_period_in_the_past_tells_what_ran_then(claudia):
    """A task that ended after the period is told as running at its end, and not among those that ended."""
    with past(hours=3) as (hub, clock):
        slow = hub.tasks.create("slow", start=True)
        hub.tasks.complete(hub.tasks.create("quick", start=True).id)
        middle = clock.move(3600)
        clock.move(3600)
        hub.tasks.complete(slow.id)
        facts = facts_of(hub, middle - timedelta(minutes=65), middle)
        assert [task.name for task in facts.running] == ["slow"]
        assert [task.name for task in facts.ended] == ["quick"]
        assert "Running at the end" in page(document(facts, "Then"))


def test_the_file_is_whole_and_asks_nobody(busy):
    """Well-formed, without script, style sheet, image or link to anywhere but itself."""
    read = Read(html_of(busy))
    assert read.broken == []
    tags = {tag for tag, _ in read.elements}
    assert not tags & {"script", "iframe", "object", "embed", "img", "base", "form", "input"}
    for tag, attributes in read.elements:
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("href", "src", "srcset", "action", "data", "xlink:href"):
            value = attributes.get(name)
            assert value is None or value.startswith("#") or (tag, value) == ("link", "data:,")
    style = re.search(r"<style>(.*?)</style>", html_of(busy), re.DOTALL).group(1)
    assert "url(" not in style
    assert "@import" not in style
    assert "default-src 'none'" in read.named("meta")[1]["content"]
    assert "http://" not in html_of(busy)
    assert "https://" not in html_of(busy)


def test_the_structure_is_heard(busy):
    """Landmarks, one first heading, sections named by theirs, captions, scopes, unique ids that references find."""
    text = html_of(busy)
    read = Read(text)
    tags = [tag for tag, _ in read.elements]
    assert [tags.count(tag) for tag in ("header", "nav", "main", "footer", "h1")] == [1, 1, 1, 1, 1]
    assert read.named("html") == [{"lang": "en"}]
    ids = [attributes["id"] for _, attributes in read.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    wanted = [attributes[name] for _, attributes in read.elements for name in attributes if name.startswith("aria-")
              and name.endswith("by")]  # fmt: skip
    assert set(wanted) <= set(ids)
    assert {link["href"][1:] for link in read.named("a")} <= set(ids)
    assert tags.count("caption") == tags.count("table") == len(read.tables) > 3
    assert all("scope" in attributes for attributes in read.named("th"))
    assert all("aria-labelledby" in attributes for attributes in read.named("section"))
    levels = [int(tag[1]) for tag in tags if re.fullmatch("h[1-6]", tag)]
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_the_chart_is_well_formed_and_has_a_twin():
    """SVG that XML parsers take, with title and description; the table below it holds the same counts."""
    with past(hours=4) as (hub, clock):
        lively(hub, clock, 120)
        text = html_of(hub, "6h")
        facts = facts_of(hub, "6h")
    plot = ET.fromstring(re.search(r'<svg class="plot".*?</svg>', text, re.DOTALL).group(0))
    assert plot.get("role") == "img"
    assert plot.find("title").text == "Tasks that ended"
    assert f"{facts.tally.ended} tasks ended" in plot.find("desc").text
    bars = plot.findall("g")
    assert len(bars) == sum(bar.ended > 0 for bar in facts.bars)
    told = sum(int(count) for bar in bars for count in re.findall(r"(\d+) (?:completed|failed|can)", bar[0].text))
    assert told == facts.tally.ended
    twin = next(table for table in Read(text).tables if table[0][:3] == ["From", "Completed", "Failed"])
    assert sum(int(row[1]) for row in twin[1:]) == facts.tally.completed
    assert sum(int(row[2]) for row in twin[1:]) == facts.tally.failed


def test_what_users_write_is_text(claudia):
    """Markup in names, types, units, messages, errors, tracebacks, checks and the title comes out as it was written."""
    hostile(claudia)
    text = html_of(claudia, title=XSS[4])
    read = Read(text)
    assert read.broken == []
    assert {tag for tag, _ in read.elements} == {tag for tag, _ in Read(html_of(claudia)).elements}
    assert not {"script", "img", "iframe", "b"} & {tag for tag, _ in read.elements}
    for hostile_text in XSS:
        assert " ".join(hostile_text.split()) in " ".join(read.text.split())
    assert len(text) < SMALL


@pytest.mark.slow
def test_ten_thousand_tasks_fit(claudia):
    """The file stays small and says how many tasks are left out; so does the one whose texts are as long as allowed."""
    news = [NewTask(name=f"task {place} " + "<&>" * 60, type="etl") for place in range(10_000)]
    for start in range(0, len(news), 1_000):
        for task in claudia.tasks.create_many(news[start : start + 1_000], start=True):
            claudia.progress.update(task.id, 1, message="<" * 2_000)
    claudia.flush()
    for place, task in enumerate(claudia.tasks.list(limit=10_000).tasks):
        if place < 100:
            claudia.tasks.fail(task.id, "<" * 2_000)
        else:
            claudia.store.post(task.id, _end(task))
    claudia.flush()
    text = html_of(claudia, "1h")
    assert len(text.encode()) < LARGEST
    left = 10_000 - MOST_LISTED
    read = Read(text)
    assert f"{left:,} more are left out" in read.text
    assert f"{100 - MOST_FAILURES} more are left out" in read.text
    assert "5,000 that ended last" in read.text


def _end(task):
    from claudia_core.services.tasks import moves

    complete = moves.completing(None)
    return lambda tx: complete(tx, moves.load(tx, task.id))


def test_an_empty_hub_says_what_to_do(claudia):
    """The way to the first task, in both forms, and nothing else."""
    text = html_of(claudia)
    assert "Nothing has been recorded yet" in text
    assert "claudia.track(" in text
    assert Read(text).tables == []
    out = io.StringIO()
    write_report(claudia, out, form="md")
    assert "claudia.track(" in out.getvalue()


def test_a_quiet_period_is_not_an_empty_hub(busy):
    """Nothing ended in a past hour: said so, without figures made up."""
    now = utc_now()
    facts = facts_of(busy, now - timedelta(hours=5), now - timedelta(hours=4))
    read = Read(page(document(facts, "Quiet")))
    assert "Nothing happened in this period" in read.text
    assert "No task failed" in read.text


def test_all_is_well_only_if_it_is(claudia):
    """Yes without failures; no with an error, with a failure, and when the hub itself is ill."""
    claudia.tasks.complete(claudia.tasks.create("fine", start=True).id)
    assert "✔ Yes" in html_of(claudia)
    claudia.health.register("disk", lambda: (Health.FAIL, "no space left"))
    ill = html_of(claudia)
    assert "the hub itself is not well" in ill
    assert "no space left" in ill
    claudia.errors.capture(ValueError("odd"))
    claudia.flush()
    assert "1 error in the last" in html_of(claudia)
    claudia.tasks.fail(claudia.tasks.create("broken", start=True).id, "no")
    assert "1 task failed in the last" in html_of(claudia)


def test_a_traceback_is_there_once_and_folded(claudia):
    """With its task where one failed; with the error where there is no task."""
    try:
        raise KeyError("customer_id")
    except KeyError as error:
        claudia.tasks.fail(claudia.tasks.create("import", start=True).id, error)
    try:
        raise OSError("disk on fire")
    except OSError as error:
        claudia.errors.capture(error)
    claudia.flush()
    text = html_of(claudia)
    assert text.count("KeyError(&quot;customer_id&quot;)") == 1
    assert text.count("OSError(&quot;disk on fire&quot;)") == 1
    assert "<details><summary>Traceback" in text
    assert "<details open" not in text


def test_files_are_replaced_whole(busy, tmp_path):
    """The file is there or is not, under the rights of the one before; a wrong name or place is told."""
    target = tmp_path / "report.html"
    target.write_text("old")
    target.chmod(0o600)
    save(busy, target, since="1h", title="Mine")
    assert "<title>Mine</title>" in target.read_text(encoding="utf-8")
    assert target.stat().st_mode & 0o777 == 0o600
    save(busy, tmp_path / "report.md")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["report.html", "report.md"]
    for wrong in (tmp_path / "report.pdf", tmp_path / "no" / "report.md", "report"):
        with pytest.raises(InvalidValue, match=r"cannot be written to") as caught:
            write_report(busy, wrong)
        assert caught.value.hint
