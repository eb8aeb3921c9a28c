"""Onward: links to where one would look next."""

from __future__ import annotations

import html
from collections.abc import Sequence

from dashboards.parts.frame.heading import markup
from dashboards.theme import ONWARD
from dashboards.theme.part import is_within_pages


class Onward:
    """A line of links, each an address and its words; nothing where there are no pages to go to."""

    def __init__(self, links: Sequence[tuple[str, str]]) -> None:
        self._markup = onward_html(links)
        self.layout = markup("", ONWARD, visible=False)

    def refresh(self) -> None:
        """Show the links on a page."""
        if not self.layout.visible and is_within_pages():
            self.layout.param.update(object=self._markup, visible=True)


def onward_html(links: Sequence[tuple[str, str]]) -> str:
    """The links as markup, with everything escaped."""
    inner = "".join(f'<a href="{html.escape(href)}">{html.escape(words)} →</a>' for href, words in links)
    return f'<nav aria-label="Further">{inner}</nav>'
