"""The Sentry protocol: envelopes taken apart, events made into reports, whatever comes."""

from __future__ import annotations

import gzip
import json
import zlib
from datetime import UTC, datetime

import brotli
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from claudia_core.capture.scrubbing import Scrubber
from claudia_core.errors import InvalidValue, Malformed, TooLarge, UnsupportedMedia
from claudia_core.integrations.sentry import Item, check_in_of, key_of, opened, parse, report_of
from claudia_core.services.errors.recording import prepare


def test_items_by_length_and_by_line():
    """A payload is as long as its header says, or ends with its line; empty lines between items do no harm."""
    header, items = parse(
        b'{"dsn":"http://k@h/1"}\n{"type":"event","length":9}\n{"a":"\n"}\n\n{"type":"session"}\n{"sid":1}\n'
    )
    assert header == {"dsn": "http://k@h/1"}
    assert items == [Item("event", b'{"a":"\n"}'), Item("session", b'{"sid":1}')]
    assert parse(b"{}") == ({}, [])


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b'{}\n{"type":"event","length":99}\n{}', b'{}\n{"length":-1}\n', b'{}\n{"length":true}\n'],
)
def test_no_envelope(body):
    """What is no envelope is refused in words."""
    with pytest.raises(Malformed):
        parse(body)


def test_too_many_items():
    """Over a hundred items are refused."""
    with pytest.raises(TooLarge):
        parse(b"{}\n" + b'{"type":"x"}\n{}\n' * 101)


@pytest.mark.parametrize(
    ("encoding", "squeeze"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("br", brotli.compress), ("", bytes), ("identity", bytes)],
)
def test_encodings(encoding, squeeze):
    """Each encoding of the protocol is read."""
    assert opened(squeeze(b"{}" * 50_000), encoding) == b"{}" * 50_000


@pytest.mark.parametrize(
    ("encoding", "squeeze"), [("gzip", gzip.compress), ("deflate", zlib.compress), ("br", brotli.compress)]
)
def test_bombs(encoding, squeeze):
    """What would become too large is refused, and never made whole; so is what is cut off, or no such data at all."""
    with pytest.raises(TooLarge):
        opened(squeeze(bytes(5_000_000)), encoding, limit=1_000_000)
    with pytest.raises(Malformed):
        opened(squeeze(b"some text " * 1_000)[:-12], encoding)
    with pytest.raises(Malformed):
        opened(b"no such data at all", encoding)


def test_another_encoding():
    """An encoding that nobody sends is refused."""
    with pytest.raises(UnsupportedMedia):
        opened(b"", "zstd")


def test_where_the_key_stands():
    """In the header of the SDK, in the query, or in the envelope's DSN."""
    header = {"x-sentry-auth": "Sentry sentry_key=abc, sentry_version=7, sentry_client=sentry.python/2.75.0"}
    assert key_of(header, "", {}) == "abc"
    assert key_of({}, "sentry_version=7&sentry_key=def", {}) == "def"
    assert key_of({}, "", {"dsn": "http://ghi@127.0.0.1:5006/1"}) == "ghi"
    assert key_of({}, "", {"dsn": "http://[broken"}) == key_of({}, "", {}) == ""


CHAINED = {
    "event_id": "9ec79c33ec9942ab8353589fcb2e04dc",
    "timestamp": "2026-11-26T10:00:00.5Z",
    "server_name": "worker-3",
    "tags": {"shard": 3},
    "exception": {
        "values": [
            {
                "type": "KeyError",
                "value": "'price'",
                "mechanism": {"source": "__cause__", "exception_id": 1, "parent_id": 0},
            },
            {
                "type": "LoadError",
                "module": "shop.load",
                "value": "row 17",
                "mechanism": {"type": "excepthook", "handled": False, "exception_id": 0},
                "stacktrace": {
                    "frames": [
                        {"abs_path": "/srv/shop/main.py", "function": "<module>", "module": "main", "lineno": 3},
                        {
                            "filename": "shop/load.py",
                            "function": "load",
                            "module": "shop.load",
                            "lineno": 12,
                            "pre_context": ["def load(row):"],
                            "context_line": "    raise LoadError(row)",
                            "vars": {"row": "17", "password": "hunter2"},
                        },
                    ]
                },
            },
        ]
    },
    "breadcrumbs": {"values": [{"timestamp": 1_790_000_000.0, "category": "db", "message": "read", "data": {"n": 1}}]},
    "contexts": {"runtime": {"name": "CPython"}, "trace": {"trace_id": "x"}},
    "extra": {"order": 7},
}


def test_an_event_becomes_a_report():
    """The raised exception first, its cause after it; place, source, variables, context, breadcrumbs, time and host."""
    report = report_of(CHAINED, service="shop", project="1").checked()
    assert (report.type, report.message, report.culprit) == ("shop.load.LoadError", "row 17", "shop.load.load")
    assert [(e["type"], e["relation"], e["parent"]) for e in report.exceptions] == [
        ("shop.load.LoadError", "raised", None),
        ("KeyError", "cause", 0),
    ]
    frame = report.exceptions[0]["frames"][-1]
    assert (frame["line"], frame["before"], frame["locals"]["row"]) == (12, ["def load(row):"], "17")
    assert report.traceback.splitlines()[-3:] == [
        '  File "shop/load.py", line 12, in load',
        "    raise LoadError(row)",
        "shop.load.LoadError: row 17",
    ]
    assert (report.kind, report.handled, report.service, report.host) == (
        "uncaught_exception",
        False,
        "shop",
        "worker-3",
    )
    assert report.tags == {"shard": "3", "project": "1"}
    assert report.context == {"order": 7, "runtime": {"name": "CPython"}}
    assert report.breadcrumbs[0]["message"] == "read"
    assert report.time == datetime(2026, 11, 26, 10, 0, 0, 500_000, UTC)
    assert report.id == "9ec79c33-ec99-42ab-8353-589fcb2e04dc"


def test_groups_and_messages():
    """Members of a group are told as such; a message and a line of a log are errors without a stack."""
    group = {
        "exception": [
            {"type": "OSError", "mechanism": {"source": "exceptions[0]", "exception_id": 1, "parent_id": 0}},
            {"type": "ExceptionGroup", "mechanism": {"is_exception_group": True, "exception_id": 0}},
        ]
    }
    assert [e["relation"] for e in report_of(group, service="", project="").exceptions] == ["raised", "group"]
    message = report_of({"message": "disk is full", "level": "warning"}, service="", project="")
    assert (message.type, message.message, message.level, message.kind) == (
        "Message",
        "disk is full",
        "warning",
        "message",
    )
    line = report_of({"logger": "etl", "level": "error", "logentry": {"formatted": "no row"}}, service="", project="")
    assert (line.type, line.message) == ("log.ERROR", "no row")


def test_what_is_too_long_is_cut():
    """A huge event is no reason to lose the error: variables go first, then the source around, the rest is cut."""
    frame = {"function": "f" * 9_000, "vars": {str(n): "v" * 5_000 for n in range(99)}, "pre_context": ["x" * 900] * 50}
    event = {
        "exception": {"values": [{"type": "E" * 999, "value": "m" * 10**6, "stacktrace": {"frames": [frame] * 400}}]},
        "tags": {str(n): "t" * 900 for n in range(10_000)},
        "extra": {str(n): "e" * 9_000 for n in range(200)},
        "breadcrumbs": [{"message": "b" * 9_000, "data": {"x": "y" * 9_000}}] * 500,
        "request": {"data": "d" * 10**6},
        "user": {"note": "u" * 10**6},
        "fingerprint": ["f" * 999] * 99,
    }
    report = report_of(event, service="s" * 999, project="1").checked()
    assert len(report.exceptions[0]["frames"]) == 250
    assert not any(frame["locals"] for frame in report.exceptions[0]["frames"])
    assert len(report.tags) == 50
    assert report.context["omitted"]
    assert report.request == {"omitted": ["data"]}


def test_what_lies_deep_is_told_as_text():
    """An object of a hundred levels is no reason to lose the error."""
    deep: dict = {}
    for _ in range(150):
        deep = {"a": deep}
    report = report_of({"user": deep, "extra": deep, "breadcrumbs": [{"data": deep}]}, service="", project="1")
    prepare(report, Scrubber())
    assert '{"a":{"a":' in repr(report.user)


@pytest.mark.parametrize("name", ["tags", "user", "extra", "contexts", "request", "fingerprint", "breadcrumbs"])
def test_what_lies_deeper_than_can_be_written_is_left_out(name):
    """JSON of nine hundred levels can be read, but not be written again: the rest of the error is kept."""
    deep = b'{"a":' * 900 + b"1" + b"}" * 900
    whole = {"fingerprint": b"[%b]", "breadcrumbs": b'[{"data":{"a":%b}}]'}.get(name, b'{"a":%b}') % deep
    item = Item("event", b'{"message":"disk is full","%b":%b}' % (name.encode(), whole))
    found = prepare(report_of(item.document(), service="", project="1"), Scrubber())
    assert found.report.message == "disk is full"


def test_a_chain_of_an_older_sdk():
    """Exceptions without numbers come as causes of each other, the raised one last."""
    event = {"exception": {"values": [{"type": "A"}, {"type": "B"}, {"type": "C"}]}}
    found = report_of(event, service="", project="").exceptions
    assert [(one["type"], one["parent"]) for one in found] == [("C", None), ("B", 0), ("A", 1)]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
RELAXED = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
NAMES = [*CHAINED, "fingerprint", "level", "logentry", "message", "user", "request", "release", "logger", "transaction"]


@RELAXED
@given(event=st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, JSON)))
def test_whatever_comes_becomes_a_report(event):
    """No JSON in no field makes the reading fail, and what comes of it passes every check."""
    prepare(report_of(json.loads(json.dumps(event)), service="any", project="1"), Scrubber())


INSIDE = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("type", "value", "module", "mechanism", "stacktrace", "thread_id"), JSON)
)


@RELAXED
@given(values=st.lists(INSIDE, max_size=4), frame=JSON, mechanism=JSON)
def test_whatever_stands_in_exceptions(values, frame, mechanism):
    """The same within exceptions, their frames and mechanisms."""
    told = [{**one, "stacktrace": {"frames": [frame, {"vars": frame, "lineno": frame}]}} for one in values]
    told.append({"mechanism": {"exception_id": mechanism, "parent_id": frame}})
    prepare(report_of({"exception": {"values": told}}, service="any", project="1"), Scrubber())


def test_bad_check_ins():
    """A check-in without id, with zero for it, without a monitor or with an unknown status is refused."""
    good = {"check_in_id": "83a7c03ed0a04e1b97e2e3b18d38f244", "monitor_slug": "nightly", "status": "ok"}
    assert check_in_of({**good, "duration": 10.5}).duration == 10.5
    assert check_in_of({**good, "monitor_config": {"max_runtime": 30}}).longest == 1_800
    for bad in ({"check_in_id": "x"}, {"check_in_id": "0" * 32}, {"monitor_slug": None}, {"status": "late"}):
        with pytest.raises(InvalidValue):
            check_in_of({**good, **bad})
