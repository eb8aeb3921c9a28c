"""Operations on mail: what templates look like, and addresses that nothing is sent to."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
from pydantic import Field

from claudia_core.api.contract.inputs import After, Input, Limit, Nothing
from claudia_core.api.contract.outputs import Output
from claudia_core.api.contract.webhooks import example
from claudia_core.app import Claudia
from claudia_core.errors import InvalidValue

type Answer = dict[str, Any]


class PreviewMail(Input):
    """A template, and what it is filled with."""

    template: str = Field(min_length=1, max_length=100)
    data: str = Field("", max_length=20_000, description="A JSON object, over the template's sample.")


class TestMail(Input):
    """A template that is sent to look at it."""

    model_config = example({"template": "task_completed", "data": '{"taskName": "night run"}'})

    template: str = Field(min_length=1, max_length=100)
    data: str = Field("", max_length=20_000, description="A JSON object, over the template's sample.")
    to: str = Field(
        "", max_length=400, description="One's own address of the preferences when left out; of others, for admins."
    )


class ListSuppressions(Input):
    """Which addresses, in their order."""

    limit: Limit = 100
    after: After = None


class SuppressAddress(Input):
    """An address that is to get no more mail."""

    model_config = example({"address": "ann@example.org", "reason": "bounce", "note": "550 no such user"})

    address: str = Field(max_length=400)
    reason: str = Field("manual", max_length=20, description="bounce, complaint or manual.")
    note: str = Field("", max_length=500)


class UnsuppressAddress(Input):
    """An address that is to get mail again."""

    model_config = example({"address": "ann@example.org"})

    address: str = Field(max_length=400)


class TemplateOut(Output):
    """A template of mail."""

    name: str
    has_sample: bool = Field(description="Whether it can be looked at without data.")


class TemplateListOut(Output):
    """The templates of the process that answers."""

    items: list[TemplateOut]


class PreviewOut(Output):
    """What a template comes to."""

    subject: str
    html: str
    text: str


class TestedOut(Output):
    """What was sent."""

    id: str = Field(description="The carrier's id of it.")
    to: str


class SuppressionOut(Output):
    """An address that gets no mail."""

    id: str = Field(description="The address in lower case.")
    reason: str
    note: str
    created_at: datetime


class SuppressionPageOut(Output):
    """Some addresses; `next` asks for the rest."""

    items: list[SuppressionOut]
    next: str | None = None


def list_templates(hub: Claudia, _: Nothing) -> Answer:
    templates = hub.mail_templates
    return {"items": [{"name": name, "has_sample": templates.has_sample(name)} for name in templates.names]}


def preview_mail(hub: Claudia, asked: PreviewMail) -> Answer:
    made = hub.mail_templates.preview(asked.template, read_data(asked.data))
    return {"subject": made.subject, "html": made.html, "text": made.text}


def test_mail(hub: Claudia, asked: TestMail) -> Answer:
    sent = hub.try_mail(asked.template, read_data(asked.data), asked.to)
    return {"id": sent.id, "to": sent.to}


def read_data(text: str) -> dict[str, Any]:
    """What somebody wrote to fill a template with.

    Raises:
        InvalidValue: it is no JSON object.
    """
    try:
        found = orjson.loads(text) if text.strip() else {}
    except orjson.JSONDecodeError as error:
        raise InvalidValue(f"data is not JSON: {error}", field="data") from error
    if not isinstance(found, dict):
        raise InvalidValue("data is no JSON object", field="data")
    return found


def list_suppressions(hub: Claudia, asked: ListSuppressions) -> Answer:
    page = hub.suppressions.list(limit=asked.limit, after=asked.after)
    return {"items": [one.to_document() for one in page.suppressions], "next": page.next}


def suppress_address(hub: Claudia, asked: SuppressAddress) -> Answer:
    return hub.suppressions.add(asked.address, asked.reason, asked.note).to_document()


def unsuppress_address(hub: Claudia, asked: UnsuppressAddress) -> Answer:
    return hub.suppressions.remove(asked.address).to_document()
