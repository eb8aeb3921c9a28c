"""One beat for all sessions; and Panel's timer that forgets busy events is started before a browser's first event."""

import asyncio
from types import SimpleNamespace

import panel as pn
import pytest
from bokeh.document import Document
from panel.io.state import _state

from dashboards.assets import Assets
from dashboards.beat.pulse import _update_at_once
from dashboards.beat.wire import Direct, lines
from dashboards.parts.frame.tiles import Tiles


@pytest.fixture
def unscheduled(monkeypatch):
    """Panel as it is before its first session."""
    monkeypatch.setattr(_state, "_busy_cleanup_scheduled", None)


async def page(scope, receive, send):
    """Some answer."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def nobody(message=None):
    """Nothing comes, and what is sent goes nowhere."""


def test_the_timer_runs_on_the_loop_from_the_first_request(unscheduled):
    """Left to Panel it is started in a thread, and a core is busy from then on; an event finds it running already."""

    async def ask():
        await Assets(page)({"type": "http", "method": "GET", "path": "/", "headers": []}, nobody, nobody)
        timer = _state._busy_cleanup_scheduled
        assert timer is not None
        await asyncio.to_thread(pn.state._schedule_busy_cleanup)  # as a browser's first event does
        assert _state._busy_cleanup_scheduled is timer
        assert timer.running
        timer.stop()

    asyncio.run(ask())


class Connection:
    """A connection of Bokeh's, with a way past ASGI."""

    def __init__(self):
        self.written = []
        self.is_full = False
        self._socket = SimpleNamespace(
            _send=Direct(nobody, self.write), write_lock=SimpleNamespace(_lock=asyncio.Lock())
        )

    def write(self, data):
        """As `claudia_core.api.realtime.serving` does it."""
        if not self.is_full:
            self.written += [data] if data else []
        return not self.is_full


class Following:
    """What a beat brings up to date: a part that has news each time."""

    def __init__(self, part):
        self.part = part
        self.ticks = 0

    def tick(self):
        """Tell the browser something."""
        self.ticks += 1
        self.part.share(items=[{"label": "Running", "value": str(self.ticks)}])
        self.part._send_msg({"n": self.ticks})


@pytest.fixture
def session():
    """A session that shows tiles in two browsers."""
    document, tiles = Document(), Tiles()
    document.add_root(tiles.get_root(document))
    connections = [Connection(), Connection()]
    session = SimpleNamespace(document=document, _lock=asyncio.Lock(), _subscribed_connections=connections)
    return session, Following(tiles), connections


def test_a_beat_is_one_write_to_each_browser(session):
    """However much is told."""
    session, following, connections = session
    _update_at_once(following, session)
    first, second = (connection.written for connection in connections)
    assert len(first) == 1
    assert first == second
    assert first[0].count(b'"kind":"ModelChanged"') == first[0].count(b'"kind":"MessageSent"') == 1


def test_nobody_is_waited_for(session):
    """A browser that takes no more, and a document that is being changed, are left for a later beat."""
    session, following, connections = session
    connections[1].is_full = True
    _update_at_once(following, session)
    connections[1].is_full = False
    asyncio.run(session._lock.acquire())
    _update_at_once(following, session)
    session._lock.release()
    assert following.ticks == 0
    _update_at_once(following, session)
    assert following.ticks == 1
    assert [len(connection.written) for connection in connections] == [1, 1]


def test_a_server_that_takes_no_frames_gets_bokehs_messages(session):
    """As under another server than ours."""
    session, _, connections = session
    assert len(lines(session)) == 2
    connections[0]._socket._send = nobody
    assert lines(session) is None
