"""What is known about the work at hand when an error comes: tags, user, request, and what happened just before.

A scope belongs to the present thread or coroutine and to all it calls. Breadcrumbs outside of any scope are the
program's.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any

from claudia_core.model.report import MAX_BREADCRUMBS

type Crumb = tuple[float, str, str, str, Mapping[str, Any]]
"""Unix seconds, category, level, message, data."""


def _trail() -> deque[Crumb]:
    return deque(maxlen=MAX_BREADCRUMBS)


@dataclass(frozen=True, slots=True)
class Scope:
    """What goes with every error within it."""

    tags: Mapping[str, Any] = field(default_factory=dict)
    user: Mapping[str, Any] = field(default_factory=dict)
    request: Mapping[str, Any] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)
    fingerprint: tuple[str, ...] = ()
    trail: deque[Crumb] = field(default_factory=_trail)


_program = Scope()
_current: ContextVar[Scope | None] = ContextVar("claudia_scope", default=None)


def current_scope() -> Scope:
    """The innermost scope, or the program's own."""
    return _current.get() or _program


@contextmanager
def scope(
    *,
    tags: Mapping[str, Any] | None = None,
    user: Mapping[str, Any] | None = None,
    request: Mapping[str, Any] | None = None,
    fingerprint: tuple[str, ...] | None = None,
    fresh: bool = False,
    **context: Any,
) -> Iterator[Scope]:
    """Within the block, errors carry these besides what the scopes around it say; the innermost wins.

    With `fresh` it has breadcrumbs of its own, as one request of a server should.
    """
    outer = current_scope()
    inner = replace(
        outer,
        tags={**outer.tags, **(tags or {})},
        user={**outer.user, **(user or {})},
        request=outer.request if request is None else request,
        context={**outer.context, **context},
        fingerprint=outer.fingerprint if fingerprint is None else tuple(fingerprint),
        trail=_trail() if fresh else outer.trail,
    )
    token = _current.set(inner)
    try:
        yield inner
    finally:
        _current.reset(token)


def leave_crumb(message: str, category: str, level: str, data: Mapping[str, Any]) -> None:
    """Note what happened, for the errors that come after it."""
    current_scope().trail.append((time.time(), category, level, message, data))
