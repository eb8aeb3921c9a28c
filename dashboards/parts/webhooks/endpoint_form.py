"""EndpointForm: webhook endpoints made, changed, deleted; their secrets made anew and shown once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import panel as pn

from claudia_core.errors import InvalidValue
from claudia_core.model.values import MAX_NAME
from claudia_core.model.webhook import Endpoint
from dashboards.parts.frame.act import Say
from dashboards.parts.frame.form import Entry, Form, Step, Values

if TYPE_CHECKING:
    from claudia_core import Claudia

KEPT = "••••••"
"""Stands for a header's value, which is not shown: left like this, it stays."""

ENTRIES = (
    Entry("url", "Address", hint="https://..., as the receiver told it"),
    Entry("name", "Name", hint="The address's host where empty", most=MAX_NAME),
    Entry("events", "Events", "list", "Patterns such as task:failed or issue:*, one a line; * for all"),
    Entry("filter", "Only if", "json", 'Conditions on the event, such as {"data.type": ["etl", "ml"]}; empty for none'),
    Entry("headers", "Further headers", "text", "Name: value, with ; between; values are not shown again"),
    Entry("ordered", "Strictly in order: what fails holds up what is behind it", "flag"),
    Entry("active", "On", "flag"),
)
ROTATE = (Entry("hours", "Hours for which the secret before also signs", "number", "0 to 720", most=720),)


class EndpointForm:
    """The dialogs for endpoints, for admins; `dialogs` is to be placed.

    Args:
        claudia: the hub.
        say: tells how it went.
        on_done: called after something was changed.
        on_gone: called after an endpoint was deleted.
    """

    def __init__(
        self, claudia: Claudia, say: Say, on_done: Callable[[], None], on_gone: Callable[[], None] | None = None
    ) -> None:
        self._claudia = claudia
        self._on_done = on_done
        self._on_gone = on_gone
        self._made: tuple[str, str] | None = None
        self._deleted = False
        self.form = Form(claudia, ENTRIES, say, self._after)
        self.rotation = Form(claudia, ROTATE, say, self._after)
        self.dialogs = pn.Column(
            self.form.dialog, self.rotation.dialog, margin=0, height=0, sizing_mode="stretch_width"
        )

    def make(self) -> None:
        """Ask for a new one."""
        told = Step("webhooks.create", self._create, lambda made: f"{made.name} is told events from now on")
        self.form.ask("New webhook endpoint", {"events": ["*"], "active": True}, told)

    def change(self, endpoint: Endpoint) -> None:
        """Ask what to change of one."""
        hub, id = self._claudia.webhooks, endpoint.id

        def save(values: Values) -> Endpoint:
            return hub.update(id, **_checked(values, endpoint))

        def delete(_: Values) -> Endpoint:
            hub.delete(id)
            self._deleted = True
            return endpoint

        headers = "; ".join(f"{name}: {KEPT}" for name in sorted(endpoint.headers))
        shown = {**endpoint.to_public(), "headers": headers}
        gone = Step("webhooks.delete", delete, lambda gone: f"{gone.name} is deleted; what waited for it is not sent")
        self.form.ask(f"Change {endpoint.name}", shown, Step("webhooks.update", save, _changed), gone=gone)

    def rotate(self, endpoint: Endpoint) -> None:
        """Ask for how long the old secret counts, then make another."""

        def work(values: Values) -> Endpoint:
            changed, secret = self._claudia.webhooks.rotate(endpoint.id, hours=values["hours"])
            self._made = (f"New secret of {changed.name}", secret)
            return changed

        step = Step("webhooks.rotate", work, lambda made: f"{made.name} has a new secret")
        text = "Both secrets sign until the time is over, so that the receiver can change over."
        self.rotation.ask(f"New secret for {endpoint.name}", {"hours": 24}, step, text=text)

    def _create(self, values: Values) -> Endpoint:
        given = _checked(values, None)
        given["name"] = given["name"] or None
        endpoint, secret = self._claudia.webhooks.create(**given)
        self._made = (f"The secret of {endpoint.name}", secret)
        return endpoint

    def _after(self) -> None:
        if self._made is not None:
            (title, secret), self._made = self._made, None
            self.form.reveal(title, secret)
        if self._deleted and self._on_gone is not None:
            self._deleted = False
            self._on_gone()
            return
        self._on_done()


def _checked(values: Values, endpoint: Endpoint | None) -> dict[str, Any]:
    named = {} if endpoint is None else {"name": values["name"] or endpoint.name}
    return {**values, "headers": read_headers(values["headers"], {} if endpoint is None else endpoint.headers), **named}


def read_headers(text: str, known: Mapping[str, str]) -> dict[str, str | None]:
    """Headers as somebody wrote them; None for those of which the value is kept.

    Raises:
        InvalidValue: a part is no header.
    """
    found: dict[str, str | None] = {}
    for part in filter(None, (one.strip() for one in text.split(";"))):
        name, colon, value = part.partition(":")
        if not colon or not value.strip():
            raise InvalidValue(f"{part!r:.80} is no header", field="headers", hint="use Name: value; Other: value")
        found[name.strip()] = None if value.strip() == KEPT and name.strip() in known else value.strip()
    return found


def _changed(endpoint: Endpoint) -> str:
    return f"{endpoint.name} is changed"
