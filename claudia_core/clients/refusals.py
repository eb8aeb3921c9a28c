"""What a hub says went wrong, as the very error that it raised: one map from codes to classes, for every protocol."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import httpx2
import orjson

from claudia_core.errors import (
    AccessDenied,
    ClaudiaError,
    HubUnavailable,
    InvalidValue,
    NotFound,
    RequestTimeout,
    TooLarge,
)

BY_STATUS: Mapping[int, type[ClaudiaError]] = {
    401: AccessDenied,
    403: AccessDenied,
    404: NotFound,
    408: RequestTimeout,
    413: TooLarge,
    421: AccessDenied,
    422: InvalidValue,
    429: HubUnavailable,
    502: HubUnavailable,
    503: HubUnavailable,
    504: HubUnavailable,
}
"""What an answer means that does not come from a hub, or from a newer one with codes that are unknown here."""

MOST_SECONDS = 3_600.0


def classes() -> dict[str, type[ClaudiaError]]:
    """Every class of error by its code; those that a program defines itself are among them."""
    return {kind.code: kind for kind in _below(ClaudiaError) if "code" in vars(kind)}


def _below(kind: type[ClaudiaError]) -> Iterator[type[ClaudiaError]]:
    for below in kind.__subclasses__():
        yield from _below(below)
    yield kind


def error_of(told: Mapping[str, Any], *, status: int | None = None, retry_after: float | None = None) -> ClaudiaError:
    """The error that a hub told: `code`, `message` (or `detail`), `field` and `hint`."""
    code = str(told.get("code", ""))
    text = str(told.get("message") or told.get("detail") or "the hub did not say what went wrong")
    kind = classes().get(code)
    if kind is None:
        kind = BY_STATUS.get(status or 0, ClaudiaError)
        text = f"{text} ({code or status})"
    error = kind(text, field=_text(told.get("field")), hint=_text(told.get("hint")))
    error.retry_after = retry_after
    return error


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def refusal(response: httpx2.Response) -> ClaudiaError:
    """The error of an HTTP answer: of its problem document (RFC 9457), or of its status where it brings none."""
    pause = seconds(response.headers.get("retry-after"))
    if response.is_redirect:
        return ClaudiaError("the address answers with a redirect", hint="use the address it leads to, if you trust it")
    told = _document(response)
    if told is None:
        told = {"detail": f"{response.url.copy_with(query=None)} answered {response.status_code}"}
    return error_of(told, status=response.status_code, retry_after=pause)


def _document(response: httpx2.Response) -> dict[str, Any] | None:
    try:
        found = orjson.loads(response.content)
    except (orjson.JSONDecodeError, httpx2.HTTPError):
        return None
    return found if isinstance(found, dict) else None


def seconds(text: str | None) -> float | None:
    """The seconds of a Retry-After header; None without one. A date there counts as none."""
    if text is None or not text.strip().isdecimal():
        return None
    return min(float(text.strip()[:9]), MOST_SECONDS)
