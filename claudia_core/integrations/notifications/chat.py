"""Slack, Discord, Teams and PagerDuty, each as its documentation has it. User text cannot ping anybody or format.

Sources: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks,
https://docs.discord.com/developers/resources/webhook#execute-webhook,
https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using,
https://developer.pagerduty.com/docs/send-alert-event
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from claudia_core.integrations.notifications.outgoing import Outgoing
from claudia_core.model.notify_channel import ChannelKind
from claudia_core.model.rule import Level

EVENTS = "https://events.pagerduty.com/v2/enqueue"
EVENTS_EU = "https://events.eu.pagerduty.com/v2/enqueue"

COLOURS: Mapping[Level, int] = {Level.INFO: 0x2E7D32, Level.WARNING: 0xED6C02, Level.CRITICAL: 0xD32F2F}
SEVERITIES: Mapping[Level, str] = {Level.INFO: "info", Level.WARNING: "warning", Level.CRITICAL: "critical"}

type Request = tuple[str, dict[str, Any]]
"""An address, and the JSON that is posted to it."""


def slack(address: str, message: Outgoing) -> Request:
    """`plain_text` is not formatted; what `text` shows in the bar of notifications has `&<>` escaped."""
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": message.title[:150], "emoji": False}}
    ]
    if message.text:
        words = {"type": "plain_text", "text": message.text[:3_000], "emoji": False}
        blocks.append({"type": "section", "text": words})
    if message.link:
        button = {"type": "button", "text": {"type": "plain_text", "text": "Open"}, "url": message.link}
        blocks.append({"type": "actions", "elements": [button]})
    return address, {"text": _escaped(message.title), "blocks": blocks}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def discord(address: str, message: Outgoing) -> Request:
    """Mentions are not resolved, marks of formatting are escaped."""
    embed: dict[str, Any] = {
        "title": _unformatted(message.title)[:256],
        "description": _unformatted(message.text)[:4_000],
        "color": COLOURS[message.level],
    }
    if message.link:
        embed["url"] = message.link
    return address, {"embeds": [embed], "allowed_mentions": {"parse": []}}


def _unformatted(text: str) -> str:
    return re.sub(r"([\\`*_~|>\[\]()#-])", r"\\\1", text)


def teams(address: str, message: Outgoing) -> Request:
    """An adaptive card, as a workflow posts it. Text blocks know some Markdown: its marks are escaped."""
    body: list[dict[str, Any]] = [
        {"type": "TextBlock", "text": _unformatted(message.title), "weight": "Bolder", "size": "Medium", "wrap": True}
    ]
    if message.text:
        body.append({"type": "TextBlock", "text": _unformatted(message.text), "wrap": True})
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": body,
    }
    if message.link:
        card["actions"] = [{"type": "Action.OpenUrl", "title": "Open", "url": message.link}]
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return address, {"type": "message", "attachments": [attachment]}


def pagerduty(address: str, message: Outgoing) -> Request:
    """One incident for each thing; what says that the thing is well again resolves it."""
    region, _, key = address.rpartition(":")
    asked: dict[str, Any] = {
        "routing_key": key,
        "event_action": "resolve" if message.resolves else "trigger",
        "dedup_key": message.key[:255],
    }
    if not message.resolves:
        asked["payload"] = {
            "summary": message.title[:1_024],
            "source": "claudia",
            "severity": SEVERITIES[message.level],
            "custom_details": {"text": message.text},
        }
        asked["links"] = [{"href": message.link, "text": "Open"}] if message.link else []
    return EVENTS_EU if region == "eu" else EVENTS, asked


REQUESTS: Mapping[ChannelKind, Callable[[str, Outgoing], Request]] = {
    ChannelKind.SLACK: slack,
    ChannelKind.DISCORD: discord,
    ChannelKind.TEAMS: teams,
    ChannelKind.PAGERDUTY: pagerduty,
}
