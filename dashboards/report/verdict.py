"""The first things a report says: whether everything is all right, and the key figures beside those before."""

from __future__ import annotations

from claudia_core.model.health import Health
from claudia_core.model.task import Status
from dashboards import units
from dashboards.report.blocks import NOTHING, Code, Figure, Figures, Points, Section, Span, Words
from dashboards.report.facts import MOST_ISSUES, Facts, Tally

QUESTION = "Is everything all right?"

MOST_EXACT = 10
"""Counts below this changed by so many, not by a percentage: 2 to 4 is no news of 100%."""

FIRST_STEPS = """from claudia_core import Claudia
claudia = Claudia()
for row in claudia.track(rows, name="clean rows"): ..."""


def verdict(facts: Facts) -> Section:
    """Whether everything is all right, and why."""
    if facts.is_new:
        return _nothing_yet()
    tone, answer = _answer(facts)
    return Section(QUESTION, (Words(answer, tone), Points(tuple(_reasons(facts)))), tone)


def _nothing_yet() -> Section:
    lines = (
        "No task and no error has been recorded on this hub. Track a loop in a notebook or script on the same store, "
        "and write the report again:"
    )
    more = "Something to see at once: claudia demo, which analyses real Python source trees."
    return Section(QUESTION, (Words("○ Nothing has been recorded yet", "note"), Words(lines), Code(FIRST_STEPS),
                              Words(more)), "note")  # fmt: skip


def _answer(facts: Facts) -> tuple[str, str]:
    when = facts.period.words
    if facts.tally.failed:
        return "bad", f"✖ Not everything: {units.plural(facts.tally.failed, 'task')} failed {when}"
    if facts.tally.errors:
        return "bad", f"✖ Not everything: {units.plural(facts.tally.errors, 'error')} {when}"
    if facts.health is not None and facts.health.status is Health.FAIL:
        return "bad", "✖ Not everything: the hub itself is not well"
    if not facts.tally.ended and not facts.running:
        return "note", f"○ Nothing happened {when}"
    return "good", f"✔ Yes: nothing failed {when}"


def _reasons(facts: Facts) -> list[str]:
    now, before = facts.tally, facts.before
    told = [_ended(now, facts), _failed(now, before), _errors(facts), _present(facts), *_health(facts)]
    return [text for text in told if text]


def _ended(now: Tally, facts: Facts) -> str:
    parts = ((now.completed, "completed"), (now.failed, "failed"), (now.cancelled, "cancelled"))
    made = f"{_count(now.created, 'task')} {'was' if now.created == 1 else 'were'} made"
    if not now.ended:
        return f"{made}, none ended {facts.period.words}."
    ends = ", ".join(f"{count:,} {word}" for count, word in parts if count)
    return f"{made} and {now.ended:,} ended: {ends}."


def _failed(now: Tally, before: Tally) -> str:
    if not now.failed and not before.failed:
        return ""
    share = _share(now)
    if before.is_empty:
        return f"{_count(now.failed, 'task')} failed{share}; nothing is known of the time before."
    return f"{_count(now.failed, 'task')} failed{share}; in the time before it was {before.failed:,}{_share(before)}."


def _share(tally: Tally) -> str:
    return f" ({100 * tally.failed / tally.ended:.1f}% of {tally.ended:,} that ended)" if tally.ended else ""


def _errors(facts: Facts) -> str:
    if not facts.tally.errors:
        return ""
    told = f"{_count(facts.tally.errors, 'error')} reported"
    if not facts.issues:
        return f"{told}."
    if facts.more_issues:
        return f"{told}, of more than {MOST_ISSUES} issues."
    fresh, many = sum(issue.first_seen >= facts.period.start for issue in facts.issues), len(facts.issues)
    if fresh == many:
        return f"{told}, of {_count(many, 'new issue')}."
    new = f", {fresh:,} of them new" if fresh else ", none of them new"
    return f"{told}, of {_count(many, 'issue')}{new}."


def _present(facts: Facts) -> str:
    if not facts.period.live:
        return ""
    active, pending = facts.counts[Status.ACTIVE], facts.counts[Status.PENDING]
    if not active and not pending:
        return "Nothing was running or waiting when this was written."
    return f"{_count(active, 'task')} running and {pending:,} waiting when this was written."


def _health(facts: Facts) -> list[str]:
    checks = facts.health.checks if facts.health is not None else ()
    return [f"Health check {check.name}: {check.status.value}. {check.output}" for check in checks
            if check.status is not Health.PASS]  # fmt: skip


def _count(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def key_figures(facts: Facts) -> Section:
    """The numbers of the period beside those of the one before it."""
    now, before = facts.tally, facts.before
    items = [
        Figure("Completed", f"{now.completed:,}", _change(now.completed, before.completed, before)),
        Figure(
            "Failed", f"{now.failed:,}", _change(now.failed, before.failed, before), "bad" if now.failed else "good"
        ),
        Figure("Success rate", _percent(now.success), _was(_percent(before.success), before)),
        Figure(
            "Errors", f"{now.errors:,}", _change(now.errors, before.errors, before), "bad" if now.errors else "good"
        ),
        Figure("Mean duration", _seconds(now.mean), _was(_seconds(before.mean), before)),
    ]
    if facts.period.live:
        waiting = f"{facts.counts[Status.PENDING]:,} waiting"
        items.append(Figure("Running now", f"{facts.counts[Status.ACTIVE]:,}", waiting, "busy"))
    known = "Nothing is known of" if before.is_empty else "Compared with"
    words = Words(f"{known} the {facts.period.noun} before.", "note")
    return Section("Key figures", (Figures("Key figures", tuple(items)), words))


def _percent(value: float | None) -> str:
    """One decimal, but never 100% unless it is all of them."""
    return NOTHING if value is None else f"{int(value * 10) / 10:g}%"


def _seconds(value: float | None) -> str:
    return NOTHING if value is None else str(Span(value))


def _was(text: str, before: Tally) -> str:
    return "" if before.is_empty or text == NOTHING else f"before: {text}"


def _change(now: int, before: int, tally: Tally) -> str:
    """How a count moved, such as `▲ 12% from 100`."""
    if tally.is_empty:
        return ""
    if now == before:
        return "as before"
    arrow = "▲" if now > before else "▼"
    percent = f" {abs(now - before) / before:.0%}" if before >= MOST_EXACT else ""
    return f"{arrow}{percent} from {before:,}"
