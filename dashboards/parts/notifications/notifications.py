"""NotificationsView: what one was told, by which rules, through which channels, and what is on its way."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui
import param

from claudia_core.errors import NotFound
from claudia_core.model.identity import Identity, Scope
from claudia_core.model.notice import Dispatch
from claudia_core.model.rule import Rule
from dashboards import units
from dashboards.cells import notices as cells
from dashboards.live import LiveView
from dashboards.parts.frame.act import Say, act
from dashboards.parts.frame.rows import Column, Rows
from dashboards.parts.notifications.channel_form import ChannelForm
from dashboards.parts.notifications.notice_list import FOOT, MOST, PAUSE, WHOSE, NoticeList
from dashboards.parts.notifications.rule_form import RuleForm

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from claudia_core import Claudia

RULES = (
    Column("status", "State", "status"), Column("name", "Rule", "link"), Column("level", "Level", "text", 2),
    Column("events", "Events", "text", 2), Column("channels", "Channels", "text", 3),
    Column("people", "People", "text", 3),
)  # fmt: skip
CHANNELS = (
    Column("status", "State", "status"), Column("name", "Channel", "link"), Column("digest", "Gathered", "text", 3),
    Column("quiet", "Quiet hours", "text", 3), Column("failing", "Failing since", "ago", 2),
)  # fmt: skip
DISPATCHES = (
    Column("status", "Status", "status"), Column("name", "Message", "link"), Column("error", "Last error", "text", 2),
    Column("tries", "Tries", "figure", 2), Column("next", "Next try", "left", 2), Column("at", "Queued", "ago"),
)  # fmt: skip
RULE = 'claudia.notifications.rules.create("lost", ["agent:lost"], level="critical", users=["*"])'
CHANNEL = 'claudia.notifications.channels.create("ops", "slack", "https://hooks.slack.com/services/...")'
NO_RULE = ("No rule yet", "A rule says who is told of what; the offered ones are a start:", RULE)
NO_CHANNEL = ("No channel yet", "Mail, chats, PagerDuty, webhooks: what rules tell others through:", CHANNEL)
NO_DISPATCH = ("Nothing was sent yet", "Messages to channels are listed here with what became of them.")


class NotificationsView(LiveView):
    """Notices; rules; channels to test; messages to send again."""

    whose: Any = param.Selector(default="", objects=[one["key"] for one in WHOSE], doc="Whose notices.")
    after = param.String("", doc="The cursor of the page of notices.")

    def __init__(
        self, claudia: Claudia, *, who: Identity, on_change: Callable[[str, str], None], say: Say, **params: Any
    ) -> None:
        super().__init__(claudia, **params)
        self._say = say
        self.notices = NoticeList(claudia, who=who, on_change=on_change, say=say)
        self._may = who.may(Scope.ADMIN)
        opens = "here" if self._may else ""
        self.rule_form = RuleForm(claudia, say, self._changed)
        self.channel_form = ChannelForm(claudia, say, self._changed)
        self.rules = Rows(RULES, label="Rules", title="Rules", zero=list(NO_RULE), opens=opens, on_open=self._on_rule)
        self.new_rule = _button("New rule …", lambda _: self.rule_form.make(), visible=self._may)
        self.new_channel = _button("New channel …", lambda _: self.channel_form.make(), visible=self._may)
        self.offered = _button("Add the offered rules", self._on_offered, width=190, visible=False)
        self.channels = Rows(
            CHANNELS, label="Channels", title="Channels", on_pick=self._on_pick, selects=True, zero=list(NO_CHANNEL),
            opens=opens, on_open=self._on_channel,
        )  # fmt: skip
        self.test = _button("Send test", self._on_test, visible=False)
        self.sent = Rows(
            DISPATCHES, label="Messages", title="Messages", opens="there", on_pick=self._on_pick, selects=True,
            zero=list(NO_DISPATCH),
        )  # fmt: skip
        self.again = _button("Send again", self._on_again, visible=False)
        for_rules = pn.Row(self.new_rule, self.offered, styles=FOOT, margin=0)
        for_channels = pn.Row(self.new_channel, self.test, styles=FOOT, margin=0)
        dialogs = pn.Column(
            self.rule_form.form.dialog, self.channel_form.form.dialog, margin=0, height=0, sizing_mode="stretch_width"
        )
        parts = (
            self.notices.layout,
            self.rules,
            for_rules,
            self.channels,
            for_channels,
            self.sent,
            self.again,
            dialogs,
        )
        self.layout = pn.Column(*parts, styles={"gap": "12px"}, sizing_mode="stretch_width", margin=0)
        self._at = float("-inf")

    def refresh(self) -> None:
        """Bring all lists up to date, unless that was just now."""
        self.notices.param.update(whose=self.whose, after=self.after)
        self.notices.refresh()
        now = time.monotonic()
        if now - self._at < PAUSE:
            return
        self._at = now
        told = self.claudia.notifications
        channels = told.channels.list()
        names = {channel.id: channel.name for channel in channels}
        rules = told.rules.list()
        self.rules.put([cells.rule_row(rule, names, opens=self._may) for rule in rules])
        self.offered.visible = not rules
        self.channels.put([cells.channel_row(channel, opens=self._may) for channel in channels])
        targets = {**cells.channel_names(channels), **{f"user:{one.id}": one.name for one in told.people.all()}}
        self.sent.put([cells.dispatch_row(one, targets) for one in told.dispatches.list(limit=MOST).dispatches])

    def _on_rule(self, id: str) -> None:
        with suppress(NotFound):  # it was deleted meanwhile, and leaves the list
            self.rule_form.change(self.claudia.notifications.rules.get(id))

    def _on_channel(self, id: str) -> None:
        with suppress(NotFound):
            self.channel_form.change(self.claudia.notifications.channels.get(id))

    def _changed(self) -> None:
        self._at = float("-inf")
        self.pull()

    def _on_pick(self) -> None:
        self.test.visible = bool(self.channels.picked)
        self.again.visible = bool(self.sent.picked)

    async def _on_offered(self, _: object) -> None:
        work = self.claudia.notifications.rules.add_offered
        await act("rules.add_offered", self.claudia, lambda: list(work()), self._say, _added)
        self._after(self.rules)

    async def _on_test(self, _: object) -> None:
        ids = list(self.channels.picked)

        def work() -> list[Dispatch]:
            return [self.claudia.notifications.channels.test(id) for id in ids]

        await act("channels.test", self.claudia, work, self._say, lambda made: f"{_messages(made)} on the way")
        self._after(self.channels)

    async def _on_again(self, _: object) -> None:
        ids = list(self.sent.picked)

        def work() -> list[Dispatch]:
            return [self.claudia.notifications.dispatches.redrive(id) for id in ids]

        await act(
            "dispatches.redrive", self.claudia, work, self._say, lambda made: f"{_messages(made)} on the way again"
        )
        self._after(self.sent)

    def _after(self, table: Rows) -> None:
        """Look again, with nothing selected there."""
        table.unpick()
        self._on_pick()
        self._changed()


def _button(label: str, on_click: Callable[[object], Any], width: int = 150, **params: Any) -> Any:
    button = pmui.Button(label=label, width=width, variant="outlined", margin=(2, 0), **params)
    button.on_click(on_click)
    return button


def _added(rules: Sequence[Rule]) -> str:
    return f"{units.plural(len(rules), 'rule')} added; they tell everybody's list"


def _messages(made: Sequence[Dispatch]) -> str:
    return f"{units.plural(len(made), 'message')} {'is' if len(made) == 1 else 'are'}"
