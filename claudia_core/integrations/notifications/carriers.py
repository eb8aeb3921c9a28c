"""How each kind of channel is told: over HTTP through the guard, by mail, by apprise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import httpx2
import orjson

from claudia_core.errors import IntegrationError, NotFound
from claudia_core.integrations.addresses import Allowed
from claudia_core.integrations.notifications import apprise
from claudia_core.integrations.notifications.chat import REQUESTS
from claudia_core.integrations.notifications.outgoing import Outgoing
from claudia_core.integrations.outgoing import guarded_client
from claudia_core.model.notice import Dispatch
from claudia_core.model.notify_channel import ChannelKind
from claudia_core.model.times import utc_now
from claudia_core.ports import Reader
from claudia_core.resilience.retry import PASSING
from claudia_core.resilience.retry_after import seconds_of

if TYPE_CHECKING:
    from claudia_core.integrations.mail import Mailer

MOST_SAID = 200
"""Bytes of a refusal that are kept: its kind decides what becomes of a message, never its length."""

MOST_RESULT = 500


class Carriers:
    """Sends messages by every kind of channel but webhooks, which have deliveries of their own.

    Args:
        mailer: gives who carries mail.
        allow: what may be called although it is private; see `addresses.Allowed`.
        store: where results of tasks are, for templates.
    """

    def __init__(self, mailer: Callable[[], Mailer], allow: Sequence[str], store: Reader) -> None:
        self._mailer = mailer
        self._allow = allow
        self._store = store
        self._client: httpx2.Client | None = None

    def send(self, kind: ChannelKind, address: str, message: Outgoing, name: str) -> None:
        """Hand a message over; `name` is what a mail calls its receiver.

        Raises:
            OSError: it did not work now; with `retry_after` where the service said when.
            ClaudiaError: it is refused; `retryable` says whether for good.
        """
        if kind is ChannelKind.MAIL:
            self._mail([part.strip() for part in address.split(",")], message, name)
        elif kind is ChannelKind.APPRISE:
            apprise.send(address, message, self._allow)
        else:
            self._post(*REQUESTS[kind](address, message))

    def close(self) -> None:
        """End all connections."""
        if self._client is not None:
            self._client.close()

    def _post(self, url: str, document: dict[str, Any]) -> None:
        if self._client is None:
            self._client = guarded_client(Allowed(self._allow))
        headers = {"content-type": "application/json"}
        try:
            with self._client.stream("POST", url, content=orjson.dumps(document), headers=headers) as response:
                if response.is_success:
                    return
                said = next(response.iter_raw(), b"")[:MOST_SAID].decode(errors="replace")  # the rest is left unread
        except httpx2.HTTPError as error:
            raise ConnectionError(str(error)[:200] or type(error).__name__) from error
        passes = response.status_code in PASSING
        after = seconds_of(response.headers.get("retry-after"), utc_now()) if passes else None
        raise IntegrationError(f"HTTP {response.status_code}: {said}", "channel", after, retryable=passes)

    def _mail(self, to: Sequence[str], message: Outgoing, name: str) -> None:
        mailer, first = self._mailer(), message.dispatches[0]
        if first.template and len(message.dispatches) == 1:
            mailer.send_template(to, first.template, self._data(first, name))
            return
        lines = message.text.splitlines()
        data = {"title": message.title, "lines": lines, "link": message.link, "level": message.level.value}
        mailer.send_template(to, "notification", data)

    def _data(self, dispatch: Dispatch, name: str) -> dict[str, Any]:
        return {**dispatch.data, "userName": name, "level": dispatch.level.value, "result": self._result(dispatch)}

    def _result(self, dispatch: Dispatch) -> str:
        """What a task came to, in short; empty for what is no task or has none."""
        content = self._store.get("contents", dispatch.data.get("taskId") or "")
        result = None if content is None else content.get("result")
        return "" if result is None else orjson.dumps(result).decode()[:MOST_RESULT]


def name_of(store: Reader, owner: str) -> str:
    """What a user is called.

    Raises:
        NotFound: they are gone.
    """
    found = store.get("users", owner)
    if found is None and owner != "token":
        raise NotFound(f"no user {owner!r:.80}")
    return str(found["name"]) if found is not None else "you"
