"""Two servers on one store: each event is delivered once; when one is killed, the other goes on."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from claudia_core import Claudia
from claudia_core.model.delivery import DeliveryStatus
from claudia_core.services.events import NewEvent
from claudia_core.testing.waiting import eventually
from tests.sending import follow, line, server
from tests.webhooks.receiver import receiving


@pytest.mark.slow
def test_one_delivery_each_and_another_takes_over(tmp_path: Path) -> None:
    """Of two servers one sends. It is killed in the middle; the other delivers the rest: nothing is lost, and only
    what was under way comes twice, under its own id."""
    path = tmp_path / "claudia.db"
    with receiving() as receiver, Claudia(path, display="off") as claudia:
        endpoint, _ = claudia.webhooks.create(receiver.url, ["invoice:*"])

        def count(status: DeliveryStatus) -> int:
            return len(claudia.webhooks.deliveries(endpoint.id, status=status, limit=1_000).deliveries)

        with server(path, "send_webhooks") as first:
            follow(first, "sending")
            with server(path, "send_webhooks") as second:
                assert line(second) == "waiting"
                claudia.events.append([NewEvent("invoice:paid", str(n)) for n in range(100)])
                eventually(lambda: count(DeliveryStatus.DELIVERED) == 100, timeout=30)
                assert len(receiver.ids) == len(set(receiver.ids)) == 100
                receiver.answer = lambda message, number: (receiver.leaving.wait(0.05), (204, {}, b""))[1]
                claudia.events.append([NewEvent("invoice:paid", str(n)) for n in range(200)])
                eventually(lambda: len(receiver.ids) > 130, timeout=30)
                os.kill(first.pid, signal.SIGKILL)
                follow(second, "sending")
                eventually(lambda: count(DeliveryStatus.DELIVERED) == 300, timeout=30)
        assert len(set(receiver.ids)) == 300
        twice = len(receiver.ids) - 300
        assert twice <= 60, "only what was under way, or not yet noted, comes again"
