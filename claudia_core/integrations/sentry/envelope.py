"""Envelopes: a line of JSON about all, then for each item a line of JSON about it and its payload.

Source: https://develop.sentry.dev/sdk/foundations/transport/envelopes/
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

from claudia_core.errors import Malformed, MissingExtra, TooLarge, UnsupportedMedia

MOST_SENT = 2_000_000
"""Bytes of an envelope as it comes."""

MOST_OPENED = 10_000_000
"""Bytes of an envelope once decompressed."""

MOST_ITEM = 2_000_000
"""Bytes of an event or a check-in."""

MOST_ITEMS = 100
"""Items of one envelope."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing in an envelope; `payload` is not read yet."""

    type: str
    payload: bytes

    def document(self) -> dict[str, Any]:
        """The payload as a JSON object.

        Raises:
            TooLarge: it is over 2,000,000 bytes.
            Malformed: it is no JSON object.
        """
        if len(self.payload) > MOST_ITEM:
            raise TooLarge(f"a {self.type} is over {MOST_ITEM:,} bytes", field=self.type, hint="send less of its data")
        return _object(self.payload, self.type)


def opened(body: bytes, encoding: str, limit: int = MOST_OPENED) -> bytes:
    """The body without its `Content-Encoding`: none, gzip, deflate or br.

    Raises:
        TooLarge: more than `limit` bytes come out; no more than that are ever made.
        Malformed: it is not in that encoding.
        UnsupportedMedia: the encoding is another.
        MissingExtra: br is asked for and not installed.
    """
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding == "br":
        return _without_brotli(body, limit)
    if encoding not in ("gzip", "deflate"):
        raise UnsupportedMedia(f"the body's encoding is {encoding!r:.80}", hint="use gzip, deflate, br, or none")
    machine = zlib.decompressobj(zlib.MAX_WBITS | 32)  # the header tells gzip from deflate
    try:
        made = machine.decompress(body, limit + 1)
    except zlib.error as error:
        raise Malformed(f"the body is not {encoding}: {error}", field="body") from error
    if len(made) > limit:
        raise _too_large(limit)
    if not machine.eof:
        raise Malformed(f"the body is only a part of its {encoding} data", field="body")
    return made


def _without_brotli(body: bytes, limit: int) -> bytes:
    try:
        import brotli
    except ModuleNotFoundError as error:
        raise MissingExtra("a body compressed with br needs brotli", hint="pip install brotli") from error
    machine, made = brotli.Decompressor(), bytearray()
    try:
        made += machine.process(body, output_buffer_limit=limit)
        while len(made) <= limit and not machine.is_finished() and not machine.can_accept_more_data():
            made += machine.process(b"", output_buffer_limit=limit)
    except brotli.error as error:
        raise Malformed(f"the body is not br: {error}", field="body") from error
    if len(made) > limit:
        raise _too_large(limit)
    if not machine.is_finished():
        raise Malformed("the body is only a part of its br data", field="body")
    return bytes(made)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the envelope is over {limit:,} bytes", field="body", hint="send less of the errors' data")


def parse(body: bytes) -> tuple[dict[str, Any], list[Item]]:
    """The header of an envelope, and its items.

    Raises:
        Malformed: it is no envelope.
        TooLarge: it has more than 100 items.
    """
    line, rest = _line(body)
    header = _object(line, "the envelope's header")
    items: list[Item] = []
    while rest.strip(b"\n"):
        if len(items) == MOST_ITEMS:
            raise TooLarge(f"the envelope has over {MOST_ITEMS} items", field="body")
        line, rest = _line(rest.lstrip(b"\n"))
        about = _object(line, "an item's header")
        payload, rest = _payload(about.get("length"), rest)
        items.append(Item(str(about.get("type", "")), payload))
    return header, items


def _line(body: bytes) -> tuple[bytes, bytes]:
    line, _, rest = body.partition(b"\n")
    return line, rest


def _payload(length: Any, rest: bytes) -> tuple[bytes, bytes]:
    """As many bytes as the item's header says, or up to the end of the line."""
    if length is None:
        return _line(rest)
    if type(length) is not int or not 0 <= length <= len(rest):
        raise Malformed(f"an item's length is {length!r:.40}, and {len(rest):,} bytes follow", field="length")
    return rest[:length], rest[length:]


def _object(text: bytes, what: str) -> dict[str, Any]:
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Malformed(f"{what} is not JSON: {error}", field="body", hint="send a Sentry envelope") from error
    if not isinstance(found, dict):
        raise Malformed(f"{what} is no JSON object", field="body", hint="send a Sentry envelope")
    return found


def key_of(headers: Mapping[str, str], query: str, header: Mapping[str, Any]) -> str:
    """The key that a sender shows: in `X-Sentry-Auth`, as `sentry_key` in the query, or in the envelope's `dsn`."""
    told = re.search(r"sentry_key=([^,\s]+)", headers.get("x-sentry-auth", "")[:2_000])
    if told:
        return told[1]
    asked = parse_qs(query[:2_000]).get("sentry_key")
    if asked:
        return asked[0]
    try:
        return urlsplit(str(header.get("dsn", ""))[:2_000]).username or ""
    except ValueError:
        return ""
