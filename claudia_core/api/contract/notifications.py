"""Operations on notifications: what they are asked, what they answer, what they do."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, JsonValue

from claudia_core.api.contract.inputs import After, ById, Id, Input, Limit, Nothing
from claudia_core.api.contract.outputs import Output
from claudia_core.api.contract.webhooks import Filter, Flag, Patterns, example
from claudia_core.app import Claudia
from claudia_core.services.notifications.rules import OFFERED

type Answer = dict[str, Any]

Whole = Annotated[int, Field(strict=True)]
Digest = Annotated[Whole, Field(description="Minutes for which messages are gathered into one; 0 for each by itself.")]
Quiet = Annotated[str, Field(max_length=100, description="Quiet hours, such as 22:00-07:00 Europe/Berlin.")]
PerHour = Annotated[Whole, Field(description="Most messages an hour; further ones come as one in the next.")]
Address = Annotated[
    str,
    Field(
        max_length=2_000,
        description="mail: addresses; webhook: an endpoint's id; slack, discord, teams: the webhook's URL; pagerduty: "
        "a routing key; apprise: its URL. Kept encrypted, and not shown again.",
    ),
]
Minutes = Annotated[
    Whole, Field(description="Minutes after which escalate_to is told, where nobody has acknowledged it; 0 for never.")
]
Ids = Annotated[list[str], Field(max_length=20, description="Ids of channels.")]
Users = Annotated[list[str], Field(max_length=100, description="Names or ids of users; * for everybody.")]
LevelText = Annotated[str, Field(max_length=20, description="info, warning or critical.")]
Whose = Annotated[str | None, Field(max_length=100, description="A user's name or id; your own when left out.")]


class CreateChannel(Input):
    """A new channel by which people are told."""

    model_config = example(
        {"name": "ops", "kind": "slack", "address": "https://hooks.slack.com/services/T0/B0/x", "digest": 10}
    )

    name: str = Field(max_length=200)
    kind: str = Field(max_length=20, description="mail, webhook, slack, discord, teams, pagerduty or apprise.")
    address: Address
    digest: Digest = 0
    quiet: Quiet = ""
    per_hour: PerHour = 60
    active: Flag = True


class UpdateChannel(Input):
    """What is to be changed of a channel."""

    model_config = example({"quiet": "22:00-07:00 Europe/Berlin"})

    id: Id
    name: str | None = Field(None, max_length=200)
    address: Address | None = None
    digest: Digest | None = None
    quiet: Quiet | None = None
    per_hour: PerHour | None = None
    active: Flag | None = None


class CreateRule(Input):
    """A new rule: which events people are told about, and by what."""

    model_config = example(
        {"name": "night runs", "events": ["task:failed"], "filter": {"data.type": ["etl"]}, "users": ["*"]}
    )

    name: str = Field(max_length=200)
    events: Patterns
    filter: Filter = Field(default_factory=dict)
    level: LevelText = "warning"
    channels: Ids = Field(default_factory=list)
    users: Users = Field(default_factory=list)
    template: str = Field("", max_length=100, description="The mail template; the built-in one when empty.")
    active: Flag = True
    escalate_after: Minutes = 0
    escalate_to: Ids = Field(default_factory=list)


class UpdateRule(Input):
    """What is to be changed of a rule."""

    model_config = example({"level": "critical", "active": True})

    id: Id
    name: str | None = Field(None, max_length=200)
    events: Patterns | None = None
    filter: Filter | None = None
    level: LevelText | None = None
    channels: Ids | None = None
    users: Users | None = None
    template: str | None = Field(None, max_length=100)
    active: Flag | None = None
    escalate_after: Minutes | None = None
    escalate_to: Ids | None = None


class AddOffered(Input):
    """The rules that a hub offers, for everybody's list and these channels."""

    model_config = example({"channels": []})

    channels: Ids = Field(default_factory=list)


class ListDispatches(Input):
    """Which dispatches, newest first."""

    channel: str | None = Field(None, max_length=100, description="A channel's id.")
    status: str | None = Field(None, max_length=20, description="pending, sent, failed or cancelled.")
    limit: Limit = 100
    after: After = None


class ListNotices(Input):
    """Which notices of somebody's list, newest first."""

    user: Whose = None
    unread: bool = False
    limit: Limit = 100
    after: After = None


class AcknowledgeNotices(Input):
    """Notices that were seen; all that are unread when none is named."""

    model_config = example({"ids": ["ntc_000000000000042_0123456789abcdef0123"]})

    ids: list[str] | None = Field(None, max_length=500)
    user: Whose = None


class GetPreferences(Input):
    """How somebody wants to be told."""

    user: Whose = None


class SetPreferences(Input):
    """What is to be changed of how somebody wants to be told."""

    model_config = example({"email": "ann@example.org", "mail": True, "quiet": "20:00-07:00 Europe/Berlin"})

    user: Whose = None
    email: str | None = Field(None, max_length=320)
    mail: Flag | None = None
    toasts: Flag | None = None
    level: LevelText | None = None
    muted: list[str] | None = Field(None, max_length=50, description="Patterns of events not to be told.")
    quiet: Quiet | None = None
    digest: Digest | None = None


class ChannelOut(Output):
    """A channel without its address."""

    id: str
    name: str
    kind: str
    shown: str = Field(description="The address without what is secret in it.")
    digest: int
    quiet: str
    per_hour: int
    active: bool
    created_at: datetime
    updated_at: datetime
    failing_since: datetime | None = Field(None, description="The first failure since the last success.")
    last_error: str = ""


class ChannelListOut(Output):
    """Channels by name."""

    items: list[ChannelOut]


class RuleOut(Output):
    """A rule."""

    id: str
    name: str
    events: list[str]
    filter: dict[str, JsonValue]
    level: str
    channels: list[str]
    users: list[str]
    template: str
    active: bool
    escalate_after: int
    escalate_to: list[str]
    created_at: datetime
    updated_at: datetime


class RuleListOut(Output):
    """Rules by name."""

    items: list[RuleOut]


class OfferedOut(Output):
    """A rule that a hub offers."""

    name: str
    events: list[str]
    filter: dict[str, JsonValue] = Field(default_factory=dict)
    level: str


class OfferedListOut(Output):
    """What a hub offers."""

    items: list[OfferedOut]


class DispatchOut(Output):
    """One message on its way by one channel."""

    id: str
    target: str = Field(description="channel:ID, or user:ID for a user's own mail.")
    rule_id: str
    level: str
    title: str
    text: str
    link: str
    event_type: str
    subject: str
    together: bool = Field(description="Told as one with others.")
    status: str = Field(description="pending, sent, failed or cancelled.")
    tries: int
    next_at: datetime | None = None
    created_at: datetime
    finished_at: datetime | None = None
    error: str = ""


class DispatchPageOut(Output):
    """Some dispatches; `next` asks for the rest."""

    items: list[DispatchOut]
    next: str | None = None


class NoticeOut(Output):
    """A notification in somebody's list."""

    id: str
    owner: str
    rule_id: str
    level: str
    title: str
    text: str
    link: str
    event_type: str
    quiet: bool = Field(description="Pages do not show it by themselves.")
    created_at: datetime
    acknowledged_at: datetime | None = None
    status: str = Field(description="unread or acknowledged.")


class NoticePageOut(Output):
    """Some notices; `unread` counts all that are, `next` asks for the rest."""

    items: list[NoticeOut]
    unread: int
    next: str | None = None


class AcknowledgedOut(Output):
    """How many notices were unread, and are not any more."""

    acknowledged: int


class PreferencesOut(Output):
    """How somebody wants to be told."""

    id: str
    email: str
    mail: bool
    toasts: bool
    level: str
    muted: list[str]
    quiet: str
    digest: int


def _given(asked: Input, *without: str) -> dict[str, Any]:
    given = {name: getattr(asked, name) for name in type(asked).model_fields if name not in without}
    return {name: value for name, value in given.items() if value is not None}


def list_channels(hub: Claudia, _: Nothing) -> Answer:
    return {"items": [channel.to_public() for channel in hub.notifications.channels.list()]}


def create_channel(hub: Claudia, asked: CreateChannel) -> Answer:
    return hub.notifications.channels.create(**_given(asked)).to_public()


def update_channel(hub: Claudia, asked: UpdateChannel) -> Answer:
    return hub.notifications.channels.update(**_given(asked)).to_public()


def delete_channel(hub: Claudia, asked: ById) -> Answer:
    return hub.notifications.channels.delete(asked.id).to_public()


def test_channel(hub: Claudia, asked: ById) -> Answer:
    return hub.notifications.channels.test(asked.id).to_public()


def list_rules(hub: Claudia, _: Nothing) -> Answer:
    return {"items": [rule.to_document() for rule in hub.notifications.rules.list()]}


def create_rule(hub: Claudia, asked: CreateRule) -> Answer:
    return hub.notifications.rules.create(**_given(asked)).to_document()


def update_rule(hub: Claudia, asked: UpdateRule) -> Answer:
    return hub.notifications.rules.update(**_given(asked)).to_document()


def delete_rule(hub: Claudia, asked: ById) -> Answer:
    return hub.notifications.rules.delete(asked.id).to_document()


def list_offered(_: Claudia, __: Nothing) -> Answer:
    return {"items": [{"filter": {}, **offered} for offered in OFFERED]}


def add_offered(hub: Claudia, asked: AddOffered) -> Answer:
    return {"items": [rule.to_document() for rule in hub.notifications.rules.add_offered(asked.channels)]}


def list_dispatches(hub: Claudia, asked: ListDispatches) -> Answer:
    page = hub.notifications.dispatches.list(**_given(asked))
    return {"items": [dispatch.to_public() for dispatch in page.dispatches], "next": page.next}


def redrive_dispatch(hub: Claudia, asked: ById) -> Answer:
    return hub.notifications.dispatches.redrive(asked.id).to_public()


def list_notices(hub: Claudia, asked: ListNotices) -> Answer:
    page = hub.notifications.notices.list(**_given(asked))
    return {"items": [one.to_public() for one in page.notices], "unread": page.unread, "next": page.next}


def acknowledge_notices(hub: Claudia, asked: AcknowledgeNotices) -> Answer:
    return {"acknowledged": hub.notifications.notices.acknowledge(asked.ids, asked.user)}


def get_preferences(hub: Claudia, asked: GetPreferences) -> Answer:
    return hub.notifications.people.preferences(asked.user).to_document()


def set_preferences(hub: Claudia, asked: SetPreferences) -> Answer:
    return hub.notifications.people.change(asked.user, **_given(asked, "user")).to_document()
