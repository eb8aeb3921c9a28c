"""Aside: questions to the store that are asked beside the event loop, so that no session waits for another's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial
from typing import Any

import panel as pn

from claudia_core.errors import ClaudiaError

PATIENCE = 5.0
"""Seconds after which a question that was refused is asked again."""


@dataclass(frozen=True, slots=True)
class _Asked:
    key: Hashable
    question: Callable[[], Any]
    take: Callable[[Any], None]
    refuse: Callable[[ClaudiaError], None] | None


class Aside:
    """Asks one question at a time; of those that come meanwhile only the last is asked.

    Answers are taken with the document's lock held. Outside of a server's session there is nobody to wait for another,
    and a question is answered at once.
    """

    def __init__(self) -> None:
        self._next: _Asked | None = None
        self._asking = False
        self._refused: tuple[Hashable, ClaudiaError, float] | None = None

    def ask[T](
        self,
        key: Hashable,
        question: Callable[[], T],
        take: Callable[[T], None],
        refuse: Callable[[ClaudiaError], None] | None = None,
    ) -> None:
        """Have `question` answered and the answer handed to `take`, or the error it raised to `refuse`.

        Raises:
            ClaudiaError: there is no `refuse`, and the question of this `key` was refused lately.
        """
        if self._refused is not None and self._refused[0] == key and time.monotonic() - self._refused[2] < PATIENCE:
            raise self._refused[1]
        self._refused = None
        self._next = _Asked(key, question, take, refuse)
        if pn.state.curdoc is None or pn.state.curdoc.session_context is None:
            self._at_once()
        elif not self._asking:
            self._asking = True
            pn.state.execute(self._work)

    def _at_once(self) -> None:
        asked, self._next = self._next, None
        assert asked is not None, "ask() has just set it"
        try:
            answer = asked.question()
        except ClaudiaError as error:
            if asked.refuse is None:
                raise
            asked.refuse(error)
        else:
            asked.take(answer)

    async def _work(self) -> None:
        try:
            while self._next is not None:
                asked, self._next = self._next, None
                try:
                    done = partial(asked.take, await asyncio.to_thread(asked.question))
                except ClaudiaError as error:
                    done = partial(asked.refuse or partial(self._keep, asked.key), error)
                pn.state.execute(done, schedule=True)  # with the document's lock held
        finally:
            self._asking = False

    def _keep(self, key: Hashable, error: ClaudiaError) -> None:
        self._refused = key, error, time.monotonic()
