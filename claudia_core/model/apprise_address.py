"""Addresses of apprise that may be used: services over the network, without arguments that name files."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from claudia_core.errors import InvalidValue

SERVICES = frozenset(
    {
        *(
            "betterstack",
            "bluesky",
            "bsky",
            "dingtalk",
            "feishu",
            "flock",
            "gchat",
            "gotify",
            "gotifys",
            "ifttt",
            "ilert",
        ),
        *("incidentio", "join", "lark", "line", "matrix", "matrixs", "mmost", "mmosts", "msgbird", "nexmo", "ntfy"),
        *("ntfys", "opsgenie", "pagertree", "pbul", "pover", "prowl", "psafers", "pushed", "pushy", "revolt", "ringc"),
        *(
            "rocket",
            "rockets",
            "ryver",
            "schan",
            "signl4",
            "simplepush",
            "spike",
            "splunk",
            "spush",
            "squadcast",
            "tgram",
        ),
        *("threema", "twilio", "victorops", "vonage", "webex", "wecombot", "whatsapp", "wxteams", "zulip"),
    }
)
"""Services that are told over the network and read no files by themselves."""

REFUSED = frozenset(
    {"template", "keyfile", "subfile", "attach", "path", "file", "cto", "rto", "retry", "wait", "verify"}
)
"""Arguments that name files, or change how long and how carefully it calls."""


def require_service(url: str) -> str:
    """`url` where it names a service that may be used.

    Raises:
        InvalidValue: it does not; the message repeats no more than the scheme and names of arguments.
    """
    try:
        parts = urlsplit(url)
        named = {name.lower().lstrip(" +-:") for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    except ValueError as error:
        raise InvalidValue("the address is no URL of apprise", field="address") from error
    if parts.scheme not in SERVICES:
        hint = ", ".join(sorted(SERVICES))
        raise InvalidValue(f"{parts.scheme[:30]!r} is no service that may be used", field="address", hint=hint)
    if named & REFUSED:
        refused = ", ".join(sorted(named & REFUSED))
        raise InvalidValue(f"the address has arguments that are not taken: {refused}", field="address")
    return url
