"""Operations on webhooks, out and in: what they are asked, what they answer, what they do."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import ConfigDict, Field, JsonValue

from claudia_core.api.contract.inputs import After, ById, Id, Input, Limit, Nothing
from claudia_core.api.contract.outputs import Output
from claudia_core.app import Claudia

type Answer = dict[str, Any]

Patterns = Annotated[list[str], Field(max_length=50, description="Patterns of event types, such as task:*.")]
Flag = Annotated[bool, Field(strict=True)]
Filter = Annotated[
    dict[str, JsonValue], Field(description='Conditions on the event, such as {"data.type": ["etl"]}; all must hold.')
]
Headers = Annotated[dict[str, str], Field(description="Further headers of each request.")]
SecretText = Annotated[
    str, Field(max_length=200, description="whsec_ and 24 to 64 bytes in Base64; made when left out.")
]


def example(values: dict[str, JsonValue]) -> ConfigDict:
    """The configuration of an input, with an example of it."""
    return ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [values]})


class CreateWebhook(Input):
    """A new endpoint. Its secret is answered this once."""

    model_config = example(
        {"url": "https://ci.example/hooks", "events": ["task:failed"], "filter": {"data.type": ["etl"]}}
    )

    url: str = Field(max_length=2_000)
    events: Patterns = Field(default_factory=lambda: ["*"])
    name: str | None = Field(None, max_length=200, description="The address's host when left out.")
    filter: Filter = Field(default_factory=dict)
    headers: Headers = Field(default_factory=dict)
    secret: SecretText | None = None
    ordered: Flag = Field(False, description="Strictly in order: what fails holds up what is behind it.")
    active: Flag = True


class UpdateWebhook(Input):
    """What is to be changed of an endpoint. Turned on again, it counts as well, and what waits is sent."""

    model_config = example({"events": ["task:*", "issue:opened"], "active": True})

    id: Id
    url: str | None = Field(None, max_length=2_000)
    events: Patterns | None = None
    name: str | None = Field(None, max_length=200)
    filter: Filter | None = None
    headers: Headers | None = None
    ordered: Flag | None = None
    active: Flag | None = None


class RotateWebhook(Input):
    """Another secret for an endpoint."""

    model_config = example({"hours": 24})

    id: Id
    secret: SecretText | None = None
    hours: float = Field(24.0, description="Hours for which the one before also signs; 0 to 720.")


class RedriveWebhook(Input):
    """Send again what failed for good."""

    model_config = example({"since": "2026-11-23T00:00:00Z"})

    id: Id
    since: datetime | None = Field(None, description="Only what was given up since then; with a timezone.")


class ListDeliveries(Input):
    """Which deliveries, newest first."""

    endpoint_id: str | None = Field(None, max_length=100)
    status: str | None = Field(None, max_length=20, description="pending, delivered or failed.")
    limit: Limit = 100
    after: After = None


class CreateSource(Input):
    """A source of webhooks; its messages are posted to /api/v1/hooks/NAME. A secret is made for `standard` only."""

    model_config = example({"name": "github", "scheme": "github", "secrets": ["the secret you gave GitHub"]})

    name: str = Field(max_length=50, description="Lower-case letters, digits, - and _.")
    scheme: str = Field(max_length=20, description="standard, github, stripe, slack, hmac, sendgrid, mailgun or sns.")
    secrets: list[str] = Field(default_factory=list, max_length=3, description="The newest first.")
    event: str | None = Field(None, max_length=200, description="The event's type, such as ci:{body.action}.")
    subject: str | None = Field(None, max_length=200, description="The event's subject, such as {body.id}.")
    header: str = Field("x-signature", max_length=100, description="For hmac: the header with the signature.")


class WebhookOut(Output):
    """Where events are told to. Of its headers only the names are shown."""

    id: str
    name: str
    url: str
    events: list[str]
    filter: dict[str, JsonValue]
    headers: list[str]
    active: bool
    ordered: bool
    created_at: datetime
    updated_at: datetime
    failing_since: datetime | None = Field(None, description="The first failure since the last success.")
    disabled_reason: str = Field("", description="Why the hub turned it off.")


class NewWebhookOut(WebhookOut):
    """An endpoint with its secret, which is not shown again."""

    secret: str


class WebhookListOut(Output):
    """Endpoints by name."""

    items: list[WebhookOut]


class AttemptOut(Output):
    """One try of a delivery."""

    time: datetime
    status: int | None = Field(None, description="The HTTP status; null without an answer.")
    seconds: float
    error: str = ""
    response: str = Field("", description="The beginning of the answer.")


class DeliveryOut(Output):
    """One event on its way to one endpoint. The body is filled when one is asked for, not in lists."""

    id: str = Field(description="The webhook-id, the same in every attempt.")
    endpoint_id: str
    event_type: str
    status: str = Field(description="pending, delivered or failed.")
    tries: int = Field(description="Attempts of the present schedule.")
    next_at: datetime | None = None
    created_at: datetime
    finished_at: datetime | None = None
    attempts: list[AttemptOut]
    body: str = ""


class DeliveryPageOut(Output):
    """Some deliveries; `next` asks for the rest."""

    items: list[DeliveryOut]
    next: str | None = None


class RedrivenOut(Output):
    """How many deliveries are sent again."""

    redriven: int


class DeletedWebhookOut(Output):
    """What was deleted."""

    id: str


class SourceOut(Output):
    """Where webhooks come from."""

    id: str
    scheme: str
    event: str
    subject: str
    header: str
    created_at: datetime


class NewSourceOut(SourceOut):
    """A source with its secret, where one was made; it is not shown again."""

    secret: str = ""


class SourceListOut(Output):
    """Sources by name."""

    items: list[SourceOut]


def list_webhooks(hub: Claudia, _: Nothing) -> Answer:
    return {"items": [endpoint.to_public() for endpoint in hub.webhooks.list()]}


def get_webhook(hub: Claudia, asked: ById) -> Answer:
    return hub.webhooks.get(asked.id).to_public()


def create_webhook(hub: Claudia, asked: CreateWebhook) -> Answer:
    given = {name: getattr(asked, name) for name in type(asked).model_fields}
    endpoint, secret = hub.webhooks.create(**given)
    return endpoint.to_public() | {"secret": secret}


def update_webhook(hub: Claudia, asked: UpdateWebhook) -> Answer:
    given = {name: getattr(asked, name) for name in type(asked).model_fields if name != "id"}
    changes = {name: value for name, value in given.items() if value is not None}
    return hub.webhooks.update(asked.id, **changes).to_public()


def rotate_webhook(hub: Claudia, asked: RotateWebhook) -> Answer:
    endpoint, secret = hub.webhooks.rotate(asked.id, secret=asked.secret, hours=asked.hours)
    return endpoint.to_public() | {"secret": secret}


def delete_webhook(hub: Claudia, asked: ById) -> Answer:
    hub.webhooks.delete(asked.id)
    return {"id": asked.id}


def test_webhook(hub: Claudia, asked: ById) -> Answer:
    return hub.webhooks.test(asked.id).to_document()


def redrive_webhook(hub: Claudia, asked: RedriveWebhook) -> Answer:
    return {"redriven": hub.webhooks.redrive_failed(asked.id, asked.since)}


def list_deliveries(hub: Claudia, asked: ListDeliveries) -> Answer:
    page = hub.webhooks.deliveries(asked.endpoint_id, status=asked.status, limit=asked.limit, after=asked.after)
    return {"items": [delivery.to_document() for delivery in page.deliveries], "next": page.next}


def get_delivery(hub: Claudia, asked: ById) -> Answer:
    return hub.webhooks.delivery(asked.id).to_document()


def redrive_delivery(hub: Claudia, asked: ById) -> Answer:
    return hub.webhooks.redrive(asked.id).to_document()


def list_sources(hub: Claudia, _: Nothing) -> Answer:
    return {"items": [source.to_public() for source in hub.hooks.list()]}


def create_source(hub: Claudia, asked: CreateSource) -> Answer:
    given = {name: getattr(asked, name) for name in type(asked).model_fields}
    source, secret = hub.hooks.create(**given)
    return source.to_public() | {"secret": secret}


def delete_source(hub: Claudia, asked: ById) -> Answer:
    hub.hooks.delete(asked.id)
    return {"id": asked.id}
