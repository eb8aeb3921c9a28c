"""What one beat tells a session is one message of Bokeh's protocol, as Bokeh itself would write it."""

import json

import pytest
from bokeh.document import Document
from bokeh.document.events import MessageSentEvent, ModelChangedEvent
from bokeh.protocol.messages.patch_doc import patch_doc
from panel.models.esm import ESMEvent
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from dashboards.beat.wire import LONG, Wire, frames
from dashboards.parts.frame.tiles import Tiles

DATA = {
    "waiting": False,
    "change": json.dumps({"rows": {"ä": {"name": '"</script>' + LONG * "x"}}}),
    "zero": ["Nothing", ""],
    "nested": {"list": [{"a": None}, 1.5]},
}


@pytest.fixture
def model():
    """The model of a part in a document."""
    document = Document()
    model = Tiles().get_root(document)
    document.add_root(model)
    document.models.flush_synced()
    return model


def test_messages_are_as_bokeh_writes_them(model):
    """The same event by Bokeh's own serializer."""
    event = MessageSentEvent(model.document, "bokeh_event", ESMEvent(model=model, data=DATA))
    wire = Wire()
    wire.tell(model.id, DATA)
    header, metadata, content = wire.parts()
    assert json.loads(content) == json.loads(patch_doc.create([event]).content_json)
    assert json.loads(header)["msgtype"] == "PATCH-DOC"
    assert metadata == "{}"


def test_changes_are_as_bokeh_writes_them(model):
    """Of a property with a list of mappings."""
    items = [{"label": "Running", "value": "1"}]
    event = ModelChangedEvent(model.document, model.data, "items", items)
    wire = Wire()
    wire.change(model.data.id, "items", items)
    assert json.loads(wire.parts()[2]) == json.loads(patch_doc.create([event]).content_json)


def test_what_is_shared_is_also_in_the_document():
    """A browser that takes the document anew, after its connection was lost, finds it there."""
    tiles = Tiles()
    model = tiles.get_root(Document())
    wire, items = Wire(), [{"label": "Running", "value": "1"}]
    with wire.open():
        tiles.share(items=items)
    assert tiles.items == items
    assert json.loads(wire.parts()[2])["events"][0]["attr"] == "items"
    assert model.data.items == items


def test_nothing_told_is_no_message():
    """Nor is a wire there when none is open."""
    wire = Wire()
    with wire.open():
        assert Wire.here() is wire
    assert Wire.here() is None
    assert wire.parts() is None


@pytest.mark.parametrize("text", ["a", 125 * "b", 126 * "c", 65_535 * "d", 65_536 * "é"], ids=len)
def test_frames_of_every_length(text):
    """Read again by a client's parser."""
    reader = StreamReader()
    reader.feed_data(frames((text,)))
    with pytest.raises(StopIteration) as read:
        next(Frame.parse(reader.read_exact, mask=False, max_size=None))
    assert read.value.value == Frame(Opcode.TEXT, text.encode())
