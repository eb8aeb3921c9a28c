"""Two servers on one store: each message is sent once; when one is killed, the other goes on."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from claudia_core import Claudia
from claudia_core.services.events import NewEvent
from claudia_core.testing.waiting import eventually
from tests.sending import follow, line, server
from tests.webhooks.receiver import receiving


@pytest.mark.slow
def test_one_message_each_and_another_takes_over(tmp_path: Path) -> None:
    """Of two servers one tells. It is killed in the middle; the other tells the rest: nothing is lost, and at most what
    was under way comes twice. The addresses are read by both with the key beside the database."""
    path = tmp_path / "claudia.db"
    with receiving() as receiver, Claudia(path, display="off") as claudia:
        channel = claudia.notifications.channels.create("chat", "slack", receiver.url, per_hour=10_000)
        claudia.notifications.rules.create("all", ["invoice:*"], channels=[channel.id], users=["*"])

        def sent() -> int:
            return len(claudia.notifications.dispatches.list(status="sent", limit=1_000).dispatches)

        def told() -> list[str]:
            return [json.loads(message.body)["text"] for message in receiver.messages]

        with server(path, "send_notifications") as first:
            follow(first, "sending")
            with server(path, "send_notifications") as second:
                assert line(second) == "waiting"
                claudia.events.append([NewEvent("invoice:paid", str(n)) for n in range(30)])
                eventually(lambda: sent() == 30, timeout=30)
                assert len(told()) == len(set(told())) == 30
                receiver.answer = lambda message, number: (receiver.leaving.wait(0.05), (204, {}, b""))[1]
                claudia.events.append([NewEvent("invoice:paid", str(n)) for n in range(30, 60)])
                eventually(lambda: len(told()) > 40, timeout=30)
                os.kill(first.pid, signal.SIGKILL)
                follow(second, "sending")
                eventually(lambda: sent() == 60, timeout=30)
        assert len(set(told())) == 60
        assert len(told()) <= 61
        assert claudia.notifications.notices.list().unread == 60
        assert (path.parent / "secret-keys").stat().st_mode & 0o077 == 0
