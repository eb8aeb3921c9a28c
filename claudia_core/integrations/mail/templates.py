"""Templates of messages: in a sandbox, what is filled in escaped, what is missing an error and not a gap."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from claudia_core.errors import InvalidValue, MissingExtra, NotFound, TooLarge

MOST_OUTPUT = 1_000_000
"""Most characters that a template may come to."""

MOST_TEMPLATE = 100_000
MOST_NUMBER = 10**15

TASK_COMPLETED = {
    "subject": "{{ taskName }} is done",
    "html": "<h1>Task completed</h1>\n<p>Hi {{ userName }},</p>\n"
    "<p>your task “{{ taskName }}” has been completed.</p>\n"
    "<p>Duration: {{ duration }}</p>\n<p>Result: {{ result }}</p>\n",
}

NOTIFICATION = {
    "subject": "{{ title }}",
    "html": "<h1>{{ title }}</h1>\n<ul>\n{% for line in lines %}<li>{{ line }}</li>\n{% endfor %}</ul>\n"
    '{% if link %}<p><a href="{{ link }}">Open</a></p>\n{% endif %}',
    "text": "{{ title }}\n\n{% for line in lines %}{{ line }}\n{% endfor %}{% if link %}\n{{ link }}\n{% endif %}",
}

SAMPLES: Mapping[str, Mapping[str, Any]] = {
    "task_completed": {"userName": "Ann", "taskName": "night run", "duration": "2 h 10 min", "result": "1,200 rows"},
    "notification": {
        "title": "night run: failed",
        "lines": ["ValueError: no rows", "After 3 min 05 s."],
        "link": "https://hub.example.org/tasks",
        "level": "warning",
    },
}


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a template came to."""

    subject: str
    html: str
    text: str


class Templates:
    """Templates by name; `task_completed` and `notification` are there from the start.

    Raises:
        MissingExtra: jinja2 is not installed.
    """

    def __init__(self) -> None:
        try:
            from jinja2 import StrictUndefined
            from jinja2.exceptions import SecurityError
            from jinja2.sandbox import ImmutableSandboxedEnvironment
        except ImportError as error:
            raise MissingExtra("templates need jinja2", hint="pip install 'claudia-core[mail]'") from error

        class Environment(ImmutableSandboxedEnvironment):
            """The sandbox bounds no memory: products and powers are looked at first."""

            intercepted_binops = frozenset(("*", "**"))

            def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
                """Only numbers, and not too large ones."""
                numbers = isinstance(left, int | float) and isinstance(right, int | float)
                if not numbers or abs(left) > MOST_NUMBER or abs(right) > (64 if operator == "**" else MOST_NUMBER):
                    raise SecurityError(f"{operator} is for numbers, and not too large ones")
                return super().call_binop(context, operator, left, right)

        self._escaping = Environment(autoescape=True, undefined=StrictUndefined)
        self._plain = Environment(autoescape=False, undefined=StrictUndefined)
        self._made: dict[str, dict[str, Any]] = {}
        self._samples: dict[str, Mapping[str, Any]] = {}
        self.register("task_completed", **TASK_COMPLETED, sample=SAMPLES["task_completed"])
        self.register("notification", **NOTIFICATION, sample=SAMPLES["notification"])

    @property
    def names(self) -> list[str]:
        """The names of all templates."""
        return sorted(self._made)

    def has_sample(self, name: str) -> bool:
        """Whether there is something to fill previews with."""
        return bool(self._samples.get(name))

    def sample(self, name: str) -> Mapping[str, Any]:
        """What previews are filled with; empty where nothing was given.

        Raises:
            NotFound: there is no template of this name.
        """
        self._parts(name)
        return self._samples[name]

    def preview(self, name: str, data: Mapping[str, Any] | None = None) -> Rendered:
        """What a template looks like, filled with `data` over its sample; nothing is sent.

        Raises as `render`.
        """
        return self.render(name, {**self._samples.get(name, {}), **(data or {})})

    def register(
        self,
        name: str,
        *,
        subject: str,
        html: str,
        text: str | None = None,
        sample: Mapping[str, Any] | None = None,
    ) -> None:
        """Add a template or replace the one of this name; without `text`, it is made from the HTML.

        `sample` is what previews are filled with.

        Raises:
            InvalidValue, TooLarge: it is no template, or too long.
        """
        parts = {"subject": (self._plain, subject), "html": (self._escaping, html)}
        if text is not None:
            parts["text"] = (self._plain, text)
        made = {}
        for part, (environment, source) in parts.items():
            if len(source) > MOST_TEMPLATE:
                raise TooLarge(f"the template's {part} is over {MOST_TEMPLATE:,} characters", field=part)
            made[part] = self._compiled(environment, source, part)
        self._made[name], self._samples[name] = made, dict(sample or {})

    def render(self, name: str, data: Mapping[str, Any]) -> Rendered:
        """A template filled with `data`; what is filled into the HTML is escaped.

        Raises:
            NotFound: there is no template of this name.
            InvalidValue: something it asks for is missing, or it does what it may not.
            TooLarge: it comes to too much.
        """
        parts = self._parts(name)
        subject = " ".join(self._filled(parts["subject"], data, "subject").split())
        whole = self._filled(parts["html"], data, "html")
        text = self._filled(parts["text"], data, "text") if "text" in parts else plain_text(whole)
        return Rendered(subject, whole, text)

    def _parts(self, name: str) -> dict[str, Any]:
        parts = self._made.get(name)
        if parts is None:
            raise NotFound(f"no template {name!r:.80}", hint=", ".join(sorted(self._made)))
        return parts

    def _compiled(self, environment: Any, source: str, part: str) -> Any:
        from jinja2 import TemplateSyntaxError

        try:
            return environment.from_string(source)
        except TemplateSyntaxError as error:
            raise InvalidValue(f"the template's {part} cannot be read: {error}", field=part) from error

    def _filled(self, template: Any, data: Mapping[str, Any], part: str) -> str:
        from jinja2 import TemplateError

        pieces, size = [], 0
        try:
            for piece in template.generate(dict(data)):
                pieces.append(piece)
                size += len(piece)
                if size > MOST_OUTPUT:
                    raise TooLarge(f"the template's {part} comes to over {MOST_OUTPUT:,} characters", field=part)
        except (TemplateError, OverflowError, TypeError, ValueError, ArithmeticError, LookupError) as error:
            if isinstance(error, TooLarge):
                raise
            raise InvalidValue(f"the template's {part} cannot be filled: {error}", field=part) from error
        return "".join(pieces)


def plain_text(source: str) -> str:
    """HTML as text for readers without it: tags go, blocks become lines."""
    text = re.sub(r"(?is)<(script|style)\b.*?</\1\s*>", "", source)
    text = re.sub(r"(?i)<(?:br|/p|/h[1-6]|/li|/tr|/div)\b[^>]*>", "\n", text)
    text = html.unescape(re.sub(r"<[^>]*>", "", text))
    return re.sub(r"\n\s*\n+", "\n\n", text).strip() + "\n"
