"""Panel's timer that forgets busy events is started where it can run, before a browser's first event."""

import asyncio

import panel as pn
import pytest
from panel.io.state import _state

from dashboards.assets import Assets


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
