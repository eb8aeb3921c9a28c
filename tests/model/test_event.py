"""Events are valid CloudEvents 1.0; cursors are positions in one log."""

import json

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_structured_event

from claudia_core.errors import BadCursor
from claudia_core.model import Cursor
from claudia_core.testing.builders import a_task, an_event
from claudia_core.testing.clock import START


@pytest.mark.parametrize(
    "event",
    [
        an_event(7, "task:completed", subject="abc", data=a_task().to_summary()),
        an_event(1, "log:gap", subject=""),
        an_event(10**17, "invoice:paid", data={"text": "ä🚀\u0000", "none": None}),
    ],
    ids=lambda event: event.type,
)
def test_the_reference_library_takes_them(event):
    """Read by the `cloudevents` package, which checks the required attributes and the names of extensions."""
    body = json.dumps(event.to_cloudevent()).encode()
    message = HTTPMessage({"content-type": "application/cloudevents+json"}, body)
    read = from_structured_event(message)
    assert (read.get_id(), read.get_type(), read.get_source()) == (str(event.cursor), event.type, "/claudia")
    assert (read.get_subject() or "", read.get_time(), read.get_data()) == (event.subject, START, event.data)
    assert int(read.get_extension("sequence")) == event.sequence


def test_sequences_sort_as_text():
    """As the extension's definition asks for."""
    texts = [an_event(number).to_cloudevent()["sequence"] for number in (1, 9, 10, 123456789)]
    assert texts == sorted(texts)


def test_cursors():
    """A cursor's text gives it back; anything else is refused by name."""
    assert Cursor.parse(str(Cursor("log", 7))) == Cursor("log", 7)
    assert Cursor.parse("a:b:3") == Cursor("a:b", 3)
    for bad in ("", "7", ":7", "log:", "log:x", "log:-1", "log:\u0661", "log:1" + "0" * 18, "log:1.5"):
        with pytest.raises(BadCursor, match="not a cursor") as caught:
            Cursor.parse(bad)
        assert caught.value.field == "cursor"
