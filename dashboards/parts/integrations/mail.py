"""MailView: what a template of mail comes to, with data to try, and a test to oneself."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import panel as pn
import panel_material_ui as pmui
import param

from claudia_core.api.contract.mail import read_data
from claudia_core.errors import ClaudiaError
from claudia_core.integrations.mail.trial import Trial, carrier_words
from claudia_core.model.identity import Identity, Scope, acting_as
from dashboards.cells import mail as cells
from dashboards.live import LiveView
from dashboards.parts.frame.act import Say, act
from dashboards.parts.frame.fields import Fields
from dashboards.parts.frame.heading import heading_html, markup
from dashboards.parts.frame.rows import Column, Rows
from dashboards.parts.frame.tiles import Tabs
from dashboards.theme import CARD, HEADING, LETTER

if TYPE_CHECKING:
    from claudia_core import Claudia

FACTS = (Column("label", ""), Column("value", "", "any"))
CONTENT = (Column("label", "", "heading"), Column("value", "", "code"))
SHOWN = (
    {"key": "", "label": "As it looks"}, {"key": "text", "label": "Text"}, {"key": "source", "label": "HTML source"},
)  # fmt: skip
WRAP = {"gap": "16px", "flex-wrap": "wrap", "align-items": "flex-start"}
SIDE = {**CARD, "box-sizing": "border-box", "flex": "1 1 320px", "min-width": "min(320px, 100%)", "gap": "10px"}
MAIN = {**CARD, "box-sizing": "border-box", "flex": "2 1 480px", "min-width": "min(480px, 100%)", "gap": "10px"}
MONO = {"& textarea": {"fontFamily": "ui-monospace, Menlo, Consolas, monospace", "fontSize": "13px"}}
WAY = "Nothing is sent by looking. Pictures from elsewhere and scripts are left out here."
LONGEST = 20_000


class MailView(LiveView):
    """A template with its example data, the mail as it looks and as text, and a test to one's own address."""

    template = param.String("", doc="The template's name; the first one where empty.")
    shown: Any = param.Selector(default="", objects=[one["key"] for one in SHOWN], doc="What of the mail is shown.")

    def __init__(
        self, claudia: Claudia, *, who: Identity, on_change: Callable[[str, str], None], say: Say, **params: Any
    ) -> None:
        super().__init__(claudia, **params)
        self._who = who
        self._say = say
        self.fields = Fields(label="Which template", on_change=on_change)
        self.data = pmui.TextAreaInput(
            label="Example data (JSON)", rows=9, max_length=LONGEST, sx=MONO, sizing_mode="stretch_width",
            margin=(6, 0), css_classes=["mail-data"],
        )  # fmt: skip
        self.data.param.watch(lambda _: self.pull(), "value_input")
        self.facts = Rows(FACTS, label="Facts about the mail", layout="facts")
        self.to = pmui.TextInput(
            label="Send a test to", size="small", margin=(4, 0), sizing_mode="stretch_width", css_classes=["mail-to"]
        )
        self.send = pmui.Button(
            label="Send test", width=120, variant="contained", margin=(4, 0), css_classes=["mail-test"]
        )
        self.send.on_click(self._on_send)
        self.trial = pn.Column(self.to, self.send, sizing_mode="stretch_width", margin=0)
        self.tabs = Tabs(
            label="Show", on_choose=lambda key: on_change("shown", key), items=[dict(one) for one in SHOWN]
        )
        self.head = markup("", HEADING)
        self.letter = markup("", LETTER)
        self.content = Rows(CONTENT, label="The mail", layout="codes", visible=False)
        side = pn.Column(
            markup(heading_html("Mail", WAY), HEADING), self.fields, self.data, self.facts, self.trial, styles=SIDE,
            sizing_mode="stretch_width", margin=0,
        )  # fmt: skip
        parts = (self.head, self.tabs, self.letter, self.content)
        main = pn.Column(*parts, styles=MAIN, sizing_mode="stretch_width", margin=0)
        self.layout = pn.Row(side, main, styles=WRAP, sizing_mode="stretch_width", margin=0)
        self._filled = ""
        self._made: tuple[str, ...] = ()

    @property
    def name_shown(self) -> str:
        """The template that is looked at."""
        names = self.claudia.mail_templates.names
        return self.template or names[0]

    def refresh(self) -> None:
        """Fill the template anew where it, or what it is filled with, is another."""
        try:
            self._choose()
            self._show()
        except ClaudiaError as error:
            self._refuse(error)

    def _choose(self) -> None:
        templates, name = self.claudia.mail_templates, self.name_shown
        names = [*templates.names, *([name] if name not in templates.names else [])]
        choices = [[one, one] for one in names]
        items = [{"key": "template", "label": "Template", "value": name, "choices": choices}]
        if items != self.fields.items:
            self.fields.items = items
        if name != self._filled:
            self._filled, self._made = name, ()
            sample = cells.sample_text(templates.sample(name))
            self.data.param.update(value=sample, value_input=sample)
            with acting_as(self._who):  # the beat is nobody's
                own = self.claudia.notifications.people.preferences().email
            self.to.param.update(value=own, value_input=own)
        carried, may = self.claudia.settings.mail_url is not None, self._who.may(Scope.OPERATOR)
        self.trial.visible = carried and may

    def _show(self) -> None:
        made = self.claudia.mail_templates.preview(self.name_shown, read_data(self._text()))
        self._tell("")
        state = (self.shown, made.subject, made.html, made.text)
        self.tabs.value = self.shown
        if state == self._made:
            return
        self._made = state
        settings = self.claudia.settings
        self.head.object = heading_html(made.subject or "(no subject)")
        self.facts.visible = True
        self.facts.put(cells.mail_facts(made, settings.mail_from, carrier_words(settings)))
        self.letter.param.update(visible=self.shown == "", object=cells.frame(made.html) if self.shown == "" else "")
        self.content.visible = self.shown != ""
        text = made.text if self.shown == "text" else made.html
        self.content.put(cells.block(self.shown, text) if self.shown else [])

    def _refuse(self, error: ClaudiaError) -> None:
        """What is wrong with the data stands at the data; the mail as it was last is not shown beside it."""
        self._made = ()
        at_data = error.field == "data"
        self._tell(str(error) if at_data else "")
        words = "The example data cannot be read" if at_data else str(error)
        self.head.object = heading_html("This mail cannot be made", words, "bad")
        self.facts.visible = self.content.visible = self.letter.visible = False
        self.send.disabled = True

    def _tell(self, fault: str) -> None:
        self.send.disabled = bool(fault)
        if self.data.helper_text != fault:
            self.data.param.update(error_state=bool(fault), helper_text=fault)

    def _text(self) -> str:
        return str(self.data.value_input or "")

    async def _on_send(self, _: object) -> None:
        name, text, to = self.name_shown, self._text(), str(self.to.value_input or "")

        def work() -> Trial:
            with acting_as(self._who):
                return self.claudia.try_mail(name, read_data(text), to)

        await act("mail.test", self.claudia, work, self._say, lambda sent: f"A test is on its way to {sent.to}")
