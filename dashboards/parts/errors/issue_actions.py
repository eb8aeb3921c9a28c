"""IssueActions: resolve, ignore and reopen, for one issue or several; each is undone by another one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui

from claudia_core.api.access.perform import carry_out
from claudia_core.errors import ClaudiaError
from claudia_core.model.times import utc_now
from dashboards import units

if TYPE_CHECKING:
    from claudia_core import Claudia

IGNORE = {
    "Ignore …": {},
    "for an hour": {"hours": 1},
    "for a day": {"hours": 24},
    "for a week": {"hours": 168},
    "until 10 more": {"more": 10},
    "until 100 more": {"more": 100},
    "for ever": {"ever": 1},
}
DONE = {"resolve": "Resolved: {}", "ignore": "Ignored: {}", "reopen": "Reopened: {}"}
FOOT = {"flex-wrap": "wrap", "gap": "8px", "align-items": "center"}


class IssueActions:
    """The buttons for the issues that `find` names.

    Args:
        claudia: the hub.
        find: ids and titles of the issues it is about.
        say: tells how it went: a text, and `good` or `bad`.
        on_done: called after an action.
    """

    def __init__(
        self, claudia: Claudia, find: Callable[[], dict[str, str]], say: Callable[[str, str], None],
        on_done: Callable[[], None],
    ) -> None:  # fmt: skip
        self._claudia = claudia
        self._find = find
        self._say = say
        self._on_done = on_done
        self.resolve = pmui.Button(label="Resolve", width=110, variant="contained", css_classes=["resolve"])
        self.reopen = pmui.Button(label="Reopen", width=110, variant="outlined", css_classes=["reopen"])
        self.ignore = pmui.Select(
            options=list(IGNORE), value="Ignore …", width=160, size="small", css_classes=["ignore"], label="Ignore"
        )
        self.resolve.on_click(self._on_resolve)
        self.reopen.on_click(self._on_reopen)
        self.ignore.param.watch(self._on_ignore, "value")
        self.layout = pn.Row(self.resolve, self.ignore, self.reopen, styles=FOOT, margin=0)

    def offer(self, statuses: Sequence[str]) -> None:
        """Offer what is possible with issues of these statuses."""
        self.resolve.visible = any(status != "resolved" for status in statuses)
        self.ignore.visible = bool(statuses)
        self.reopen.visible = any(status != "unresolved" for status in statuses)

    async def act(self, action: str, **values: Any) -> None:
        """Do it beside the session's loop, and tell how it went."""
        issues = self._find()
        if not issues:
            return
        try:
            work = partial(self._claudia.errors.change_many, list(issues), action, **values)
            await asyncio.to_thread(carry_out, "errors.change", self._claudia, work)
        except ClaudiaError as error:
            self._say(str(error), "bad")
            return
        what = next(iter(issues.values())) if len(issues) == 1 else units.plural(len(issues), "issue")
        self._say(DONE[action].format(what), "good")
        self._on_done()

    async def _on_resolve(self, _: object) -> None:
        await self.act("resolve")

    async def _on_reopen(self, _: object) -> None:
        await self.act("reopen")

    async def _on_ignore(self, event: Any) -> None:
        how = IGNORE.get(event.new, {})
        if not how:
            return
        self.ignore.value = "Ignore …"
        hours = how.get("hours")
        until = utc_now() + timedelta(hours=hours) if hours else None
        await self.act("ignore", until=until, more=how.get("more"))
