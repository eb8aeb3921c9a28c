"""HTML of the plain pages: every text is escaped, unless it is `Html` already."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence


class Html(str):
    """Text that is HTML."""

    __slots__ = ()


def safe(value: object) -> str:
    """A value as HTML; nothing for None."""
    if value is None:
        return ""
    return value if isinstance(value, Html) else html.escape(str(value))


def moment(text: str | None) -> Html:
    """A time for people, in UTC."""
    if text is None:
        return Html()
    shown = text[:16].replace("T", " ")
    return Html(f'<time datetime="{html.escape(text)}">{html.escape(shown)}</time>')


def table(caption: str, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> Html:
    """A table in a box of its own that scrolls sideways where it is too wide."""
    head = "".join(f'<th scope="col">{safe(heading)}</th>' for heading in headings)
    body = "".join(f"<tr>{''.join(f'<td>{safe(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return Html(
        f'<div class="scroll" tabindex="0" role="region" aria-label="{safe(caption)}"><table><caption>{safe(caption)} '
        f"(times in UTC)</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def button(action: str, label: str, fields: Mapping[str, str], about: str = "") -> Html:
    """A form that is one button; `about` tells apart those of several rows to who hears them."""
    hidden = "".join(
        f'<input type="hidden" name="{safe(name)}" value="{safe(value)}">' for name, value in fields.items()
    )
    name = f' aria-label="{safe(f"{label}: {about}")}"' if about else ""
    return Html(f'<form method="post" action="{safe(action)}">{hidden}<button{name}>{safe(label)}</button></form>')


def field(name: str, label: str, **attributes: str) -> Html:
    """A labelled text field."""
    more = "".join(f' {key.replace("_", "-")}="{safe(value)}"' for key, value in attributes.items())
    return Html(f'<label for="{safe(name)}">{safe(label)}</label><input id="{safe(name)}" name="{safe(name)}"{more}>')


def choice(name: str, label: str, options: Iterable[str], chosen: str = "") -> Html:
    """A labelled list to choose from."""
    made = "".join(
        f"<option{' selected' if option == chosen else ''}>{safe(option)}</option>" for option in map(str, options)
    )
    return Html(
        f'<label for="{safe(name)}">{safe(label)}</label><select id="{safe(name)}" name="{safe(name)}">{made}</select>'
    )
