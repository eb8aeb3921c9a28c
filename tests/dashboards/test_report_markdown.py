"""The report as Markdown: valid, with tables, and nothing in it but text."""

import io

import pytest
from markdown_it import MarkdownIt

from claudia_core.model.times import utc_now
from dashboards.report import write_report
from dashboards.report.as_markdown import text
from dashboards.report.facts import MOST_ERRORS, collect
from dashboards.report.period import period
from tests.dashboards.staged import XSS, lively, past
from tests.dashboards.test_report import hostile

PARSER = MarkdownIt("commonmark", {"html": True}).enable("table")


def markdown_of(hub, since="24h"):
    out = io.StringIO()
    write_report(hub, out, since, form="md")
    return out.getvalue()


def tables(tokens):
    """Every table as rows of the text of its cells."""
    found = []
    for place, token in enumerate(tokens):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif token.type in ("td_open", "th_open"):
            found[-1][-1].append(words(tokens[place + 1]))
    return found


def words(inline):
    """The text of an inline token, as a reader sees it."""
    return "".join(child.content for child in inline.children)


def test_the_same_facts_as_tables():
    """Every section is a heading, every table has whole rows, and the numbers are those of the store."""
    with past(hours=3) as (hub, clock):
        lively(hub, clock, 80)
        tokens = PARSER.parse(markdown_of(hub))
        now = utc_now()
        facts = collect(hub, period("24h", now=now), now)
    found = tables(tokens)
    assert all(len(row) == len(table[0]) for table in found for row in table)
    figures = {row[0]: row[1] for row in found[0]}
    assert figures["Completed"] == str(facts.tally.completed)
    assert figures["Failed"] == str(facts.tally.failed)
    listed = next(table for table in found if table[0][0] == "Status" and "Id" in table[0])
    assert len(listed) - 1 == len(facts.ended) == 80
    headings = [
        words(tokens[place + 1]) for place, token in enumerate(tokens) if token.tag == "h2" and token.nesting == 1
    ]
    assert {"Is everything all right?", "Failures", "Errors", "Durations", "Tasks"} <= set(headings)
    assert not {"html_block", "html_inline"} & {token.type for token in tokens}


def test_what_users_write_is_text(claudia):
    """No field becomes markup, a link, an image or a broken table; tracebacks stay within their fences."""
    hostile(claudia)
    tokens = PARSER.parse(markdown_of(claudia))
    kinds = {child.type for token in tokens for child in (token, *(token.children or ()))}
    assert not kinds & {"html_block", "html_inline", "link_open", "image", "code_inline", "em_open"}
    listed = next(table for table in tables(tokens) if table[0][0] == "Status" and "Id" in table[0])
    names = " ".join(row[1] for row in listed)
    for hostile_text in XSS:
        assert " ".join(hostile_text.split()) in names
    assert all(len(row) == len(listed[0]) for row in listed)
    fences = [token for token in tokens if token.type == "fence"]
    assert len(fences) == len(XSS) + MOST_ERRORS // 2  # every failed task, and every second of the newest errors


@pytest.mark.parametrize(
    "value", [*XSS, "- a", "1. a", "# a", "a * b * c", "snake_case_name", "C:\\dir", "$x^2$", "~~a~~"]
)
def test_a_text_comes_out_as_it_went_in(value):
    """Whatever stands in a cell is read as it was written, on one line."""
    tokens = PARSER.parse(f"| head |\n| --- |\n| {text(value)} |\n")
    assert tables(tokens)[0][1] == [" ".join(value.split())]
