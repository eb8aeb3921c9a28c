"""CarrierList: what carries mail and messages for this hub, and how it stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from claudia_core.model.health import Health
from dashboards.cells.tasks import Row
from dashboards.live import LiveView
from dashboards.parts.frame.rows import Column, Rows

if TYPE_CHECKING:
    from claudia_core import Claudia

COLUMNS = (Column("status", "State", "status"), Column("name", "What", "link"))
OFF = {"word": "not set up", "mark": "○", "tone": "pending"}
STATES = {
    Health.PASS: {"word": "pass", "mark": "✔", "tone": "completed"},
    Health.WARN: {"word": "warn", "mark": "▲", "tone": "cancelled"},
    Health.FAIL: {"word": "fail", "mark": "✖", "tone": "failed"},
}
SET_UP = {"word": "set up", "mark": "✔", "tone": "completed"}
MAIL = "set CLAUDIA_MAIL_URL and CLAUDIA_MAIL_FROM"
BROKER = "set CLAUDIA_BROKER_URL"
SENDER = "a server sends: claudia serve"


class CarrierList(LiveView):
    """Mail, the message broker, and the sender of webhooks, with what to do where one is not set up."""

    def __init__(self, claudia: Claudia, *, title: str = "Carriers", **params: Any) -> None:
        super().__init__(claudia, **params)
        self.table = Rows(COLUMNS, label="Carriers", title=title)
        self.layout = self.table

    def refresh(self) -> None:
        """Bring the list up to date."""
        self.table.put([self._mail(), self._broker(), self._sender()])

    def _mail(self) -> Row:
        url = self.claudia.settings.mail_url
        if url is None:
            return _row("Mail", OFF, MAIL)
        parts = urlsplit(url.get_secret_value())
        host = "" if parts.scheme == "sendgrid" else (parts.hostname or "")
        sender = self.claudia.settings.mail_from
        return _row("Mail", SET_UP, f"{parts.scheme} {host} as {sender}".replace("  ", " "))

    def _broker(self) -> Row:
        if self.claudia.settings.broker_url is None:
            return _row("Message broker", OFF, BROKER)
        bridge = self.claudia.broker
        if bridge is None:
            return _row("Message broker", SET_UP, "another process talks to it")
        status, output = bridge.health()
        return _row("Message broker", STATES[status], output or "connected")

    def _sender(self) -> Row:
        sender = self.claudia.webhook_sender
        if sender is None:
            return _row("Webhooks", OFF, f"this process does not send; {SENDER}")
        words = "this process sends" if sender.is_sending else "another process sends; this one would take over"
        return _row("Webhooks", SET_UP, words)


def _row(name: str, status: Row, says: str) -> Row:
    return {"id": name, "name": {"text": name, "href": None, "key": None, "hint": says}, "status": status}
