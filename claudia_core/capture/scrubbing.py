"""Scrubbing: secrets are taken out of what is told about an error, before it is saved or sent.

What counts as a secret is told by its name (`password`, `api_key`), by its form (a token of a known service, a private
key, the number of a card) or by a rule of one's own. Scrubbing what was scrubbed changes nothing. Time and memory grow
with the length of the text and no faster.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from claudia_core.capture.secrets import (
    FORMS,
    MARKS,
    PLACEHOLDER,
    SCHEME,
    STEMS,
    USERINFO,
    any_of,
    is_card,
    is_secret_name,
    without_cards,
    without_private_keys,
)
from claudia_core.errors import InvalidValue
from claudia_core.model.values import JSON

MOST_TEXT = 1_000_000
"""Most characters of one text that are looked at; the rest is cut off, because nobody has looked at it."""

SHORTEST = 4
LONGEST_WORD = 20
DEEPEST = 100
LONGEST_RULE = 1_000

SIGNS = ("://", "basic", "digest", "negotiate", "private key")
"""What else a text holds, in lower case, that has a secret in it."""

_SIGN = r"[\w-]{0,80}+(?:(?:\\{0,3}[\"'])?\]?\s{0,5}(?:=>|:=|[:=]|%3d)\s{0,5})"
_OPTION = r"[\w-]{0,80}+ {1,5}"
_NAME = re.compile(r"[\w-]*")
_BEFORE = re.compile(r"[\w-]*\Z")
_QUOTED = re.compile(r"[bBrRfFuU]{0,2}(?:\"(?:[^\"\\\n]|\\.)*\"?|'(?:[^'\\\n]|\\.)*'?)")
_ESCAPED = re.compile(r"(\\{1,3}[\"'])(?:(?!\1).)*(?:\1)?")
_HEADER = re.compile(r"(?:bearer|basic|digest|negotiate|token|apikey)\s+[^\s\"',;]+", re.IGNORECASE)
_LINE = re.compile(r"[^\n\"']+")
_BARE = re.compile(r"[^\s,;&\"'<>)}\]]+")
_PLACE = re.compile(r'\s*(?:[|+-] *)*File "[^"\n]*", line \d+')


class Scrubber:
    """Takes secrets out of texts and JSON values; safe to share between threads.

    Args:
        names: further words; what goes by a name that holds one, whatever its case, is a secret.
        patterns: further forms, as regular expressions; what matches is replaced. How long one takes is up to it.

    Raises:
        InvalidValue: a pattern cannot be read, or would match everything.
    """

    def __init__(self, names: Iterable[str] = (), patterns: Iterable[str] = ()) -> None:
        self._names = tuple(name.casefold() for name in names if name)
        self._patterns = tuple(_compiled(pattern) for pattern in patterns)
        stems = any_of([*STEMS, *map(_lowered, self._names)])
        marks = [mark.lower() for several in FORMS for mark in several]
        signs = any_of([*STEMS, *map(_lowered, self._names), *marks, *SIGNS])
        self._worth_a_look = re.compile(rf"{signs}|\d[\d -]{{11}}\d")
        self._pair = re.compile(stems + _SIGN)
        self._option = re.compile(stems + _OPTION)

    def is_secret(self, name: str) -> bool:
        """Whether what goes by this name is a secret."""
        if is_secret_name(name):
            return True
        return bool(self._names) and any(word in name.casefold() for word in self._names)

    def text(self, text: str, *, code: bool = False) -> str:
        """The text without secrets. In `code`, `token = find()` stays as it is: only literals are secrets there."""
        text = text[:MOST_TEXT]
        if len(text) >= SHORTEST and self._worth_a_look.search(_lowered(text)) is not None:
            text = self._without_pairs(_without_forms(text), code)
        for pattern in self._patterns:
            text = pattern.sub(PLACEHOLDER, text)
        return text

    def traceback(self, text: str) -> str:
        """A traceback without secrets; the lines of source in it stay readable."""
        parts: list[str] = []
        block: list[str] = []
        is_code = False
        for line in text[:MOST_TEXT].split("\n"):
            if is_code:
                parts += [self.text("\n".join(block)), self.text(line, code=True)] if block else []
                parts += [] if block else [self.text(line, code=True)]
                block, is_code = [], False
                continue
            block.append(line)
            is_code = "File " in line and _PLACE.match(line) is not None
        return "\n".join([*parts, self.text("\n".join(block))] if block else parts)

    def value(self, value: Any) -> JSON:
        """A JSON value without secrets. What is below a secret's name is replaced as a whole."""
        return self._value(value, DEEPEST)

    def mapping(self, values: Mapping[str, Any]) -> dict[str, JSON]:
        """The same for an object."""
        return {self._key(key): self._named(key, item, DEEPEST) for key, item in values.items()}

    def lines(self, lines: Iterable[str]) -> list[str]:
        """Lines of source without secrets."""
        return self.text("\n".join(line.replace("\n", " ") for line in lines), code=True).split("\n")

    def _value(self, value: Any, depth: int) -> JSON:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            if depth <= 0:
                return "…"
            return {self._key(key): self._named(key, item, depth - 1) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return "…" if depth <= 0 else self._list(value, depth - 1)
        if isinstance(value, int) and not isinstance(value, bool) and value > 10**11 and is_card(str(value)):
            return PLACEHOLDER
        return value  # type: ignore[no-any-return]  # numbers, true, false, null

    def _list(self, value: list[Any] | tuple[Any, ...], depth: int) -> JSON:
        if len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], str) and self.is_secret(value[0]):
            return [value[0], PLACEHOLDER]  # a header or a parameter as a pair
        return [self._value(item, depth) for item in value]

    def _named(self, name: str, value: Any, depth: int) -> JSON:
        if value is None or value is True or value is False or value in ("", [], {}):
            return value  # type: ignore[no-any-return]  # tells nothing
        return PLACEHOLDER if self.is_secret(name) else self._value(value, depth)

    # --- names and values in running text ---------------------------------------------------------------------------

    def _key(self, name: str) -> str:
        """A name without secrets: short words are too short for any known form."""
        is_word = len(name) < LONGEST_WORD and not self._patterns and name.isidentifier()
        return name if is_word else self.text(name)

    def _without_pairs(self, text: str, code: bool) -> str:
        """The text without what stands behind a secret's name and an equals sign or a colon, or in an option."""
        low = _lowered(text)
        kept: list[str] = []
        done = place = 0
        while (found := self._pair.search(low, place)) is not None:
            place = found.end()
            name = _name_at(text, found.start(), done)
            if not self.is_secret(name):
                continue
            stop = _end_of(text, place, name, code)
            if stop > place and not text.startswith(PLACEHOLDER, place):
                kept += [text[done:place], PLACEHOLDER]
                done = place = stop
        text = "".join([*kept, text[done:]]) if kept else text
        return self._without_options(text) if "--" in text and not code else text

    def _without_options(self, text: str) -> str:
        """The text without what stands behind `--password` in a command."""
        kept: list[str] = []
        done = place = 0
        low = _lowered(text)
        while (found := self._option.search(low, place)) is not None:
            place = found.end()
            name = _name_at(text, found.start(), done)
            stop = _end_of(text, place, name, False) if name.startswith("--") and self.is_secret(name) else place
            if stop > place and text[place] != "-" and not text.startswith(PLACEHOLDER, place):
                kept += [text[done:place], PLACEHOLDER]
                done = place = stop
        return "".join([*kept, text[done:]]) if kept else text


def _without_forms(text: str) -> str:
    """The text without secrets that show what they are."""
    if MARKS.search(text) is not None:
        for marks, form in FORMS.items():
            if any(mark in text for mark in marks):
                text = form.sub(PLACEHOLDER, text)
    if "PRIVATE KEY" in text:
        text = without_private_keys(text)
    if "://" in text:
        text = USERINFO.sub(PLACEHOLDER + "@", text)
    return SCHEME.sub(_scheme, without_cards(text))


def _name_at(text: str, place: int, done: int) -> str:
    """The whole name of which a part begins at `place`, not from before `done`."""
    before = _BEFORE.search(text, max(done, place - 80), place)
    after = _NAME.match(text, place, place + 100)
    return (before[0] if before else "") + (after[0] if after else "")


def _end_of(text: str, begin: int, name: str, code: bool) -> int:
    """Where the value ends that begins here; `begin` itself where there is none."""
    for pattern in (_QUOTED, _ESCAPED):
        found = pattern.match(text, begin)
        if found is not None:
            return found.end() if len(found[0].strip("\"'\\bBrRfFuU")) or len(found[0]) > 3 else begin
    if code and not _is_in_string(text, begin):
        return begin
    low = name.lower()
    if "authorization" in low or "cookie" in low:
        found = _HEADER.match(text, begin) if "cookie" not in low else _LINE.match(text, begin)
        if found is not None:
            return found.end()
    found = _BARE.match(text, begin)
    if found is None or found[0] in ("None", "null", "True", "False", "true", "false"):
        return begin
    return found.end()


def _is_in_string(text: str, place: int) -> bool:
    """Whether a line of source has a string open there, which does not begin with a value put in."""
    before = text[text.rfind("\n", 0, place) + 1 : place][-500:]
    is_open = before.count('"') % 2 == 1 or before.count("'") % 2 == 1
    return is_open and text[place : place + 1] != "{"


def _scheme(match: re.Match[str]) -> str:
    """Words behind `basic` in prose are none: a token has a digit, a sign or a capital in it."""
    token = match[3]
    is_prose = token.isalpha() and token.islower()
    return match[0] if is_prose else f"{match[1]}{match[2]}{PLACEHOLDER}"


def _lowered(text: str) -> str:
    """In lower case and of the same length."""
    low = text.lower()
    if len(low) == len(text):
        return low
    return "".join(char.lower() if char < "\x80" else char for char in text)


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        compiled = re.compile(pattern[: LONGEST_RULE + 1])
    except re.error as error:
        raise InvalidValue(f"the pattern {pattern!r:.80} cannot be read: {error}", field="scrub_patterns") from error
    if len(pattern) > LONGEST_RULE or compiled.match("") is not None:
        raise InvalidValue(
            f"the pattern {pattern!r:.80} matches the empty text, or is too long", field="scrub_patterns"
        )
    return compiled


_rules = Scrubber()


def process_scrubber() -> Scrubber:
    """The rules for errors of tasks, which know no hub: those of the hub that was opened last with rules of its own."""
    return _rules


def use_everywhere(scrubber: Scrubber) -> None:
    """Let these rules hold for the errors of all tasks of this process from now on."""
    global _rules  # noqa: PLW0603 - a secret does not stop being one because another hub is asked
    _rules = scrubber
