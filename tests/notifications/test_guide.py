"""The integration guide's ServiceIntegration and its example test, with the real services: no mock stands for any."""

from __future__ import annotations

import email
import email.policy
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from claudia_core import Claudia
from claudia_core.testing.waiting import eventually


class Inbox:
    """What an SMTP server took."""

    def __init__(self) -> None:
        self.taken: list[Any] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - the name it calls
        self.taken.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 OK"


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def claudia(inbox: Inbox) -> Iterator[Claudia]:
    """A hub that tells people, and whose mail is taken by a real SMTP server."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    controller = Controller(inbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        with Claudia(
            "memory://", display="off", mail_url=f"smtp://127.0.0.1:{port}", mail_from="hub@example.org"
        ) as hub:
            notifier = hub.send_notifications()
            eventually(lambda: notifier.is_sending)
            yield hub
    finally:
        controller.stop()


def test_a_task_that_is_created_has_progress_and_is_notified(claudia: Claudia) -> None:
    """task:created: progress is there at once, and whoever wants it is told."""
    claudia.notifications.rules.create("created", ["task:created"], users=["*"], level="info")
    task = claudia.tasks.create("import", estimated_steps=4)
    progress = claudia.progress.get(task.id)
    assert (progress.current, progress.total) == (0, 4)
    eventually(lambda: claudia.notifications.notices.list().unread == 1)
    assert claudia.notifications.notices.list().notices[0].title == "import: created"


def test_a_task_that_fails_is_an_error_and_is_notified(claudia: Claudia) -> None:
    """task:failed: the error is an issue with the task's id, and people are told by their list and by mail."""
    ops = claudia.notifications.channels.create("ops", "mail", "ops@example.org")
    claudia.notifications.rules.create("failed", ["task:failed"], users=["*"], channels=[ops.id])
    task = claudia.tasks.create("import", start=True)
    claudia.tasks.fail(task.id, ValueError("no rows"))
    (occurrence,) = claudia.errors.occurrences(task_id=task.id)
    assert (occurrence.type, occurrence.message) == ("ValueError", "no rows")
    eventually(lambda: claudia.notifications.notices.list().unread == 1)
    assert "ValueError: no rows" in claudia.notifications.notices.list().notices[0].text


def test_progress_to_the_end_sends_the_final_mail(claudia: Claudia, inbox: Inbox) -> None:
    """The guide's example: a task is started, makes progress to 100%, is completed, and mail with the template
    `task_completed` goes out. What people wrote into the task does not become HTML."""
    owner = claudia.notifications.channels.create("Ann", "mail", "ann@example.org")
    claudia.notifications.rules.create("done", ["task:completed"], channels=[owner.id], template="task_completed")
    seen: list[float] = []
    claudia.on("progress:updated", lambda event: seen.append(event.data["percentage"]))
    evil = 'Test <img src="http://evil.example/x" onerror="alert(1)"> {{ 7 * 7 }}'
    task = claudia.tasks.create(evil, type="test", estimated_steps=100)
    claudia.tasks.start(task.id)
    for step in range(0, 101, 25):
        claudia.tasks.progress(task.id, step)
    claudia.tasks.complete(task.id, {"rows": "<script>alert(2)</script>"})
    assert claudia.tasks.get(task.id).status.value == "completed"
    assert claudia.progress.get(task.id).percentage == 100
    eventually(lambda: len(inbox.taken) == 1, timeout=30)
    (mail,) = inbox.taken
    html, text = mail.get_body(("html",)).get_content(), mail.get_body(("plain",)).get_content()
    assert mail["to"] == "ann@example.org"
    assert "Hi Ann," in html
    assert "has been completed" in text
    assert "<img" not in html
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "{{ 7 * 7 }}" in html
    eventually(lambda: 100 in seen)


def test_headers_cannot_be_written(claudia: Claudia, inbox: Inbox) -> None:
    """A name with line breaks becomes no header and no further receiver."""
    owner = claudia.notifications.channels.create("Ann", "mail", "ann@example.org")
    claudia.notifications.rules.create("done", ["task:completed"], channels=[owner.id])
    task = claudia.tasks.create("done\r\nBcc: all@example.org", start=True)
    claudia.tasks.complete(task.id)
    eventually(lambda: len(inbox.taken) == 1, timeout=30)
    assert inbox.taken[0]["bcc"] is None
    assert "Bcc: all@example.org" in inbox.taken[0]["subject"]
