"""RunNow: a button that runs health checks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

import panel_material_ui as pmui

from claudia_core.api.access.perform import carry_out
from claudia_core.errors import ClaudiaError
from claudia_core.model.health import Check, Health
from dashboards import units

if TYPE_CHECKING:
    from claudia_core import Claudia


class RunNow:
    """Runs the check that `find` names, or all where it gives None.

    Args:
        claudia: the hub.
        label: the button's words.
        find: which check is meant.
        say: tells how it went: a text, and `good` or `bad`.
        on_done: called afterwards.
    """

    def __init__(
        self, claudia: Claudia, label: str, find: Callable[[], str | None], say: Callable[[str, str], None],
        on_done: Callable[[], None],
    ) -> None:  # fmt: skip
        self._claudia = claudia
        self._find = find
        self._say = say
        self._on_done = on_done
        self.button = pmui.Button(label=label, width=130, variant="outlined", margin=(4, 0), css_classes=["run"])
        self.button.on_click(self._on_click)

    async def act(self) -> None:
        """Run beside the session's loop, and tell what came of it."""
        self.button.disabled = True
        try:
            work = partial(self._claudia.health.run, self._find())
            found = await asyncio.to_thread(carry_out, "health.run", self._claudia, work)
        except ClaudiaError as error:
            self._say(str(error), "bad")
            return
        finally:
            self.button.disabled = False
        self._say(*outcome(found))
        self._on_done()

    async def _on_click(self, _: object) -> None:
        await self.act()


def outcome(found: Mapping[str, Check]) -> tuple[str, str]:
    """What a run came to, in words and a tone."""
    bad = [check.name for check in found.values() if check.status is Health.FAIL]
    if len(found) == 1:
        (check,) = found.values()
        return f"{check.name}: {check.status.value} in {units.quick(check.seconds)}", "bad" if bad else "good"
    fails = f"{units.plural(len(bad), 'check')} failed: {', '.join(bad[:5])}" if bad else "none failed"
    return f"{units.plural(len(found), 'check')} ran, {fails}", "bad" if bad else "good"
