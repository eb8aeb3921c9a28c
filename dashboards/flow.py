"""Flow: how a page knows whether its browser keeps up, and what it does where it does not."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from weakref import WeakKeyDictionary

import panel as pn
from bokeh.document import Document

EVERY = 4.0
"""Seconds, by chance up to twice as many, after which a browser is asked again to answer a change once it is painted.

By chance, so that many pages do not answer at once.
"""

HOLD = 4.0
"""Seconds without an answer after which nothing more is sent: the browser is slow, or its page is hidden."""

PATIENCE = 20.0
"""Seconds without an answer after which everything is sent anew: perhaps the question was lost."""

_FLOWS: WeakKeyDictionary[Document, Flow] = WeakKeyDictionary()


class Flow:
    """The back-pressure of one page. A slow or hidden one gets one later, larger change instead of a queue."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._asked = self._answered = 0
        self._asked_at = self._every = -EVERY
        self._losses = 0

    @classmethod
    def here(cls) -> Flow:
        """That of the present document; outside of one, a flow of its own for each who asks."""
        return cls() if pn.state.curdoc is None else _FLOWS.setdefault(pn.state.curdoc, cls())

    def ask(self) -> int:
        """The number of a question that goes with a change now; 0 where none is due."""
        if self._asked > self._answered or self._clock() - self._asked_at < self._every:
            return 0
        self._asked += 1
        self._asked_at = self._clock()
        self._every = EVERY * (1.0 + random.random())  # noqa: S311 - no secret
        return self._asked

    def answer(self, number: int) -> None:
        """The browser has painted the change with that question."""
        self._answered = max(self._answered, min(number, self._asked))

    @property
    def is_full(self) -> bool:
        """Whether nothing should be sent."""
        return self._asked > self._answered and self._clock() - self._asked_at > HOLD

    @property
    def is_lost(self) -> bool:
        """Whether it has been so for so long that everything should be sent anew."""
        return self._asked > self._answered and self._clock() - self._asked_at > PATIENCE

    def losses(self) -> int:
        """How often the browser was lost: whoever sees another number than before sends everything anew."""
        if self.is_lost:
            self._losses += 1
            self._answered = self._asked
        return self._losses
