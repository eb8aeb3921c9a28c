"""RuleForm: rules that tell people about events, made, changed and deleted."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from claudia_core.errors import MissingExtra
from claudia_core.model.rule import MOST_CHANNELS, MOST_MINUTES, Level, Rule
from claudia_core.model.values import MAX_NAME
from dashboards.parts.frame.act import Say
from dashboards.parts.frame.form import Entry, Form, Step, Values, labelled

if TYPE_CHECKING:
    from claudia_core import Claudia

LEVELS = {level.value: level.value for level in Level}
WAIT = "Where none of the people has acknowledged it by then; 0 for never"
OWN = "the built-in one"
ENTRIES = (
    Entry("name", "Name", most=MAX_NAME),
    Entry("events", "Events", "list", "Patterns such as task:failed or agent:*, one a line"),
    Entry("filter", "Only if", "json", 'Conditions on the event, such as {"data.type": "etl"}; empty for none'),
    Entry("level", "Level", "choice", "What is critical is told in quiet hours, too", LEVELS),
    Entry("channels", "Channels", "several", f"At most {MOST_CHANNELS}; digest and quiet hours are each channel's own"),
    Entry("users", "People", "list", "Names, one a line, who get it into their list; * for everybody"),
    Entry("template", "Template of its mail", "choice"),
    Entry("escalate_after", "Escalate after minutes", "number", WAIT, most=MOST_MINUTES),
    Entry("escalate_to", "Escalate to", "several", "Channels that are told then"),
    Entry("active", "On", "flag"),
)


class RuleForm:
    """The dialog for rules, for admins; `form.dialog` is to be placed."""

    def __init__(self, claudia: Claudia, say: Say, on_done: Callable[[], None]) -> None:
        self._claudia = claudia
        self.form = Form(claudia, ENTRIES, say, on_done)

    def make(self) -> None:
        """Ask for a new one."""
        rules = self._claudia.notifications.rules
        step = Step(
            "rules.create", lambda values: rules.create(**values), lambda made: f"{made.name} tells from now on"
        )
        begin: dict[str, Any] = {
            "level": Level.WARNING.value,
            "users": ["*"],
            "channels": [],
            "template": "",
            "active": True,
        }
        begin |= {"escalate_after": 0, "escalate_to": []}
        self._ask("New rule", begin, step)

    def change(self, rule: Rule) -> None:
        """Ask what to change of one."""
        rules = self._claudia.notifications.rules

        def save(values: Values) -> Rule:
            return rules.update(rule.id, **values)

        gone = Step("rules.delete", lambda _: rules.delete(rule.id), lambda gone: f"{gone.name} is deleted")
        saving = Step("rules.update", save, lambda made: f"{made.name} is changed")
        self._ask(f"Change {rule.name}", rule.to_document(), saving, gone)

    def _ask(self, title: str, values: dict[str, Any], step: Step, gone: Step | None = None) -> None:
        channels = labelled((one.id, one.name) for one in self._claudia.notifications.channels.list())
        there: dict[str, list[str]] = {}
        for field in ("channels", "escalate_to"):
            self.form.choices(field, channels)
            there[field] = [id for id in values[field] if id in channels.values()]
        named = {OWN: "", **{name: name for name in self._templates()}}
        chosen = values["template"]
        self.form.choices("template", named if chosen in named.values() else {**named, chosen: chosen})
        self.form.ask(title, {**values, **there}, step, gone=gone)

    def _templates(self) -> list[str]:
        try:
            return self._claudia.mail_templates.names
        except MissingExtra:
            return []
