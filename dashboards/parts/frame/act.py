"""What a page's button does: an operation carried out beside the session's loop, and told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from claudia_core.api.access.perform import carry_out
from claudia_core.errors import ClaudiaError

if TYPE_CHECKING:
    from claudia_core import Claudia

type Say = Callable[[str, str], None]
"""Tells how something went: a text, and `good` or `bad`."""


async def act[T](name: str, claudia: Claudia, work: Callable[[], T], say: Say, told: Callable[[T], str]) -> bool:
    """Carry out the operation of that name in the name of whoever looks; whether it went well.

    `told` puts what `work` gave into words; what is refused or fails is told instead.
    """
    try:
        result = await asyncio.to_thread(carry_out, name, claudia, work)
    except ClaudiaError as error:
        say(str(error), "bad")
        return False
    say(told(result), "good")
    return True


def silent(text: str, tone: str) -> None:
    """Where there is no frame, what an action did is seen in the thing itself."""
