"""AgentActions: pause, resume, drain and stop, for one agent or several; what cannot be taken back asks before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

import panel as pn
import panel_material_ui as pmui

from claudia_core.api.access.perform import carry_out
from claudia_core.errors import ClaudiaError
from claudia_core.logs import get_logger
from claudia_core.model.agent import Agent, AgentMode, AgentStatus
from claudia_core.model.identity import Scope, current
from claudia_core.services.agents import RANK
from dashboards import outcomes, units
from dashboards.cells.agents import listed
from dashboards.parts.frame.heading import heading, heading_html

if TYPE_CHECKING:
    from claudia_core import Claudia

log = get_logger(__name__)

MODES = {
    "pause": AgentMode.PAUSED,
    "resume": AgentMode.WORKING,
    "drain": AgentMode.DRAINING,
    "stop": AgentMode.STOPPING,
}
QUESTIONS = {
    "drain": "It takes no new tasks and ends when those that run have ended. It cannot be called back.",
    "stop": "It ends now. What runs is asked to stop, is ended after a grace period, and is queued again.",
}
FOOT = {"justify-content": "flex-end", "flex-wrap": "wrap", "gap": "8px"}
ROW = {"flex-wrap": "wrap", "gap": "8px"}
BOX = {"padding": "14px 6px 4px", "gap": "12px"}


class AgentActions:
    """The buttons for the agents that `find` names, and the question before some of them.

    Args:
        claudia: the hub.
        find: the agents it is about, by id.
        say: tells how it went: a text, and `good` or `bad`.
        on_done: called after an action.
    """

    def __init__(
        self, claudia: Claudia, find: Callable[[], Mapping[str, Agent]], say: Callable[[str, str], None],
        on_done: Callable[[], None],
    ) -> None:  # fmt: skip
        self._claudia = claudia
        self._find = find
        self._say = say
        self._on_done = on_done
        self._may = current().may(Scope.OPERATOR)
        self._verb = ""
        self._asked: dict[str, str] = {}
        self.buttons = {
            verb: pmui.Button(
                label=verb.capitalize() + (" …" if verb in QUESTIONS else ""), variant="outlined", visible=False,
                color="error" if verb == "stop" else "primary", css_classes=[verb],
            )
            for verb in MODES
        }  # fmt: skip
        for verb, button in self.buttons.items():
            button.on_click(partial(self._on_click, verb))
        self.yes = pmui.Button(label="Yes", variant="contained", css_classes=["confirm"])
        self.no = pmui.Button(label="No, leave it", variant="text", css_classes=["leave"])
        self.yes.on_click(self._on_yes)
        self.no.on_click(self._on_no)
        self.question = heading("")
        foot = pn.Row(self.no, self.yes, styles=FOOT, sizing_mode="stretch_width")
        body = pn.Column(self.question, foot, styles=BOX, sizing_mode="stretch_width", margin=0)
        self.dialog = pmui.Dialog(body, close_on_click=True)
        self.layout = pn.Row(*self.buttons.values(), styles=ROW, margin=0, visible=False)
        self.dialogs = pn.Column(self.dialog, margin=0, height=0, sizing_mode="stretch_width")

    def offer(self) -> None:
        """Offer what at least one of the agents can be asked for."""
        agents = self._find().values() if self._may else ()
        for verb, button in self.buttons.items():
            button.visible = any(can(verb, agent) for agent in agents)
        self.layout.visible = any(button.visible for button in self.buttons.values())

    def ask(self, verb: str, names: Mapping[str, str]) -> None:
        """Open the question whether to do this to agents, given as names by id."""
        if verb not in QUESTIONS or not names:
            return
        self._verb, self._asked = verb, dict(names)
        one = len(names) == 1
        what = "this agent" if one else units.plural(len(names), "agent")
        each = QUESTIONS[verb] if one else f"For each: {QUESTIONS[verb]}"
        self.question.object = heading_html(f"{verb.capitalize()} {what}?", f"{listed(list(names.values()))}. {each}")
        self.yes.label = f"Yes, {verb} {'it' if one else 'them'}"
        self.no.label = f"No, leave {'it' if one else 'them'}"
        self.dialog.open = True

    async def act(self, verb: str, names: Mapping[str, str]) -> None:
        """Do it beside the session's loop, and tell in one text how it went."""
        try:
            work = partial(self._each, verb, names)
            results = await asyncio.to_thread(carry_out, f"agents.{verb}", self._claudia, work)
        except ClaudiaError as error:
            log.info("an action of a page was refused", operation=f"agents.{verb}", code=error.code)
            self._say(str(error), "bad")
            return
        self._say(*outcomes.told(verb, names, results, noun="agent"))
        self._on_done()

    def _each(self, verb: str, names: Mapping[str, str]) -> dict[str, Agent | ClaudiaError]:
        return {id: self._one(verb, id) for id in names}

    def _one(self, verb: str, id: str) -> Agent | ClaudiaError:
        do: Callable[[str], Agent] = getattr(self._claudia.agents, verb)
        try:
            return do(id)
        except ClaudiaError as error:
            return error

    async def _on_click(self, verb: str, _: object) -> None:
        names = {id: agent.name for id, agent in self._find().items() if can(verb, agent)}
        if verb in QUESTIONS:
            self.ask(verb, names)
        elif names:
            await self.act(verb, names)

    async def _on_yes(self, _: object) -> None:
        self.dialog.open = False
        asked, self._asked = self._asked, {}  # a second click has nothing to do
        if asked:
            await self.act(self._verb, asked)

    def _on_no(self, _: object) -> None:
        self.dialog.open = False


def can(verb: str, agent: Agent) -> bool:
    """Whether an agent can be asked for this: it takes tasks, is online, and is not beyond it already."""
    mode = MODES[verb]
    is_there = agent.status is AgentStatus.ONLINE and agent.capacity > 0
    return is_there and agent.mode is not mode and RANK[mode] >= RANK[agent.mode]
