"""ChannelForm: channels by which people are told, made, changed and deleted."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from claudia_core.model.notify_channel import MOST_DIGEST, MOST_HOURLY, PER_HOUR, ChannelKind, NotifyChannel
from claudia_core.model.values import MAX_NAME
from dashboards.parts.frame.act import Say
from dashboards.parts.frame.form import Entry, Form, Step, Values, labelled

if TYPE_CHECKING:
    from claudia_core import Claudia

KINDS = {
    "Mail": ChannelKind.MAIL, "Slack": ChannelKind.SLACK, "Discord": ChannelKind.DISCORD, "Teams": ChannelKind.TEAMS,
    "PagerDuty": ChannelKind.PAGERDUTY, "Webhook endpoint": ChannelKind.WEBHOOK, "apprise": ChannelKind.APPRISE,
}  # fmt: skip
WHERE: dict[str, tuple[str, str]] = {
    ChannelKind.MAIL: ("Addresses", "ann@example.org, with commas between several"),
    ChannelKind.SLACK: ("Address", "The URL of an incoming webhook: https://hooks.slack.com/services/..."),
    ChannelKind.DISCORD: ("Address", "The URL of a webhook: https://discord.com/api/webhooks/..."),
    ChannelKind.TEAMS: ("Address", "The URL of a workflow that posts to a channel"),
    ChannelKind.PAGERDUTY: ("Routing key", "Of an Events API v2 integration; eu: before it for the European service"),
    ChannelKind.WEBHOOK: ("Endpoint", "It gets a signed notification:sent"),
    ChannelKind.APPRISE: ("Address", "A URL of apprise, such as pover://USER@TOKEN"),
}
SECRET = "Kept encrypted, and not shown again."  # noqa: S105 - a sentence
ENTRIES = (
    Entry("name", "Name", most=MAX_NAME),
    Entry("kind", "Kind", "choice", choices=KINDS),
    Entry("address", "Address"),
    Entry("endpoint", "Endpoint", "choice", WHERE[ChannelKind.WEBHOOK][1]),
    Entry("digest", "Gather messages for minutes", "number", "0 tells each by itself", most=MOST_DIGEST),
    Entry("quiet", "Quiet hours", hint="Such as 22:00-07:00 Europe/Berlin; empty for none", most=100),
    Entry("per_hour", "Most messages an hour", "number", "More of them come as one", most=MOST_HOURLY),
    Entry("active", "On", "flag"),
)


class ChannelForm:
    """The dialog for channels, for admins; `form.dialog` is to be placed."""

    def __init__(self, claudia: Claudia, say: Say, on_done: Callable[[], None]) -> None:
        self._claudia = claudia
        self._known: NotifyChannel | None = None
        self.form = Form(claudia, ENTRIES, say, on_done, on_choose=lambda _: self._fit())

    def make(self) -> None:
        """Ask for a new one."""
        self._known = None
        step = Step("channels.create", self._create, lambda made: f"{made.name} is there: send a test by it")
        self._ask("New channel", {"kind": ChannelKind.MAIL, "per_hour": PER_HOUR, "digest": 0, "active": True}, step)

    def change(self, channel: NotifyChannel) -> None:
        """Ask what to change of one; its kind stays."""
        self._known = channel
        hub = self._claudia.notifications.channels

        def save(values: Values) -> NotifyChannel:
            values = _addressed(values)
            values.pop("kind", None)
            address = values.pop("address", "") or None
            return hub.update(channel.id, address=address, **values)

        gone = Step("channels.delete", lambda _: hub.delete(channel.id), lambda gone: f"{gone.name} is deleted")
        shown = {**channel.to_public(), "kind": channel.kind}
        saving = Step("channels.update", save, lambda made: f"{made.name} is changed")
        self._ask(f"Change {channel.name}", shown, saving, gone)

    def _ask(self, title: str, values: dict[str, Any], step: Step, gone: Step | None = None) -> None:
        endpoints = labelled((one.id, one.name) for one in self._claudia.webhooks.list())
        self.form.choices("endpoint", endpoints)
        first = next(iter(endpoints.values()), None)
        self.form.ask(title, {"endpoint": first, **values}, step, text=SECRET, gone=gone)
        self.form.inputs["kind"].visible = self._known is None
        self._fit()

    def _fit(self) -> None:
        """Ask for the address as the kind has it."""
        kind = ChannelKind(self.form.inputs["kind"].value or ChannelKind.MAIL)
        label, hint = WHERE[kind]
        is_webhook = kind is ChannelKind.WEBHOOK
        keep = f"Empty keeps {self._known.shown}" if self._known is not None else hint
        self.form.hint("address", label, keep)
        self.form.inputs["address"].visible = not is_webhook
        self.form.inputs["endpoint"].visible = is_webhook and self._known is None

    def _create(self, values: Values) -> NotifyChannel:
        return self._claudia.notifications.channels.create(**_addressed(values))


def _addressed(values: Values) -> Values:
    """The endpoint that was chosen is the address of its kind."""
    values = dict(values)
    endpoint = values.pop("endpoint", None)
    return values if "address" in values else {**values, "address": endpoint or ""}
