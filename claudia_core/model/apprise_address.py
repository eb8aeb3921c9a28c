"""Addresses of apprise that may be used: services over the network, without arguments that name files."""

from __future__ import annotations

import re
from urllib.parse import unquote

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

_FORM = re.compile(r"([A-Za-z0-9]{1,32})://([^\s\x00-\x1f\x7f]+)")
_ANOTHER = re.compile(r",+[A-Za-z0-9]{1,32}://")
"""Where apprise sees a second address in a text."""

_PARTS = re.compile(r"[?&;#]")
"""What apprise may read an argument behind; a standard parser knows fewer such signs."""


def require_service(url: str) -> str:
    """`url` where it names a service that may be used.

    Raises:
        InvalidValue: it does not; the message repeats no more than the scheme and names of arguments.
    """
    found = _FORM.fullmatch(url)
    if found is None or _ANOTHER.search(url):
        raise InvalidValue("the address is no URL of apprise", field="address", hint="use one, such as ntfy://TOPIC")
    if found[1].lower() not in SERVICES:
        hint = ", ".join(sorted(SERVICES))
        raise InvalidValue(f"{found[1]!r} is no service that may be used", field="address", hint=hint)
    named = {unquote(part.partition("=")[0]).lower().strip(" +-:") for part in _PARTS.split(found[2])[1:]}
    if named & REFUSED:
        refused = ", ".join(sorted(named & REFUSED))
        raise InvalidValue(f"the address has arguments that are not taken: {refused}", field="address")
    return url
