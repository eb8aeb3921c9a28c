"""All colours and styles. The tokens of the parts are in `live.css`; what panel-material-ui draws follows them here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from claudia_core.model.task import Status
from claudia_core.tracking.display import COLOURS, MARKS

HERE = Path(__file__).parent
LIVE = HERE / "live.js"
"""The browser's side of the parts: one module, served once and kept by the browser. `live.css` goes with it."""

FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif'
"""Fonts that are on the machine: nothing is loaded."""

DARK_COLOURS: Mapping[Status, str] = {
    Status.PENDING: "#a3aec0",
    Status.ACTIVE: "#7aa7ff",
    Status.COMPLETED: "#5fd38d",
    Status.FAILED: "#ff8a8a",
    Status.CANCELLED: "#e5b567",
}
CHART_COLOURS: Mapping[str, str] = {"completed": "#2f9e5c", "failed": "#d64545", "cancelled": "#c98a1b"}
"""Colours that tell apart on light and on dark ground, for canvases, which know no themes."""

THEME: dict[str, Any] = {
    "light": {
        "palette": {
            "primary": {"main": COLOURS[Status.ACTIVE]},
            "error": {"main": COLOURS[Status.FAILED]},
            "success": {"main": COLOURS[Status.COMPLETED]},
            "background": {"default": "#f5f7fa", "paper": "#ffffff"},
            "text": {"primary": "#1b2433", "secondary": "#5b6678"},
            "divider": "#e3e7ee",
        }
    },
    "dark": {
        "palette": {
            "primary": {"main": DARK_COLOURS[Status.ACTIVE]},
            "error": {"main": DARK_COLOURS[Status.FAILED]},
            "success": {"main": DARK_COLOURS[Status.COMPLETED]},
            "background": {"default": "#0f141c", "paper": "#161c27"},
            "text": {"primary": "#e6eaf2", "secondary": "#9aa6b8"},
            "divider": "#2a3342",
        }
    },
}
for _scheme in THEME.values():
    _scheme["typography"] = {"fontFamily": FONT, "button": {"textTransform": "none"}}
    _scheme["shape"] = {"borderRadius": 8}

GROUND = "light-dark(#f5f7fa, #0f141c)"
SURFACE = "light-dark(#ffffff, #161c27)"
LINE = "light-dark(#e3e7ee, #2a3342)"

PAGE_SX: dict[str, Any] = {
    "& .header": {
        "backgroundColor": SURFACE,
        "backgroundImage": "none",
        "color": "light-dark(#1b2433, #e6eaf2)",
        "boxShadow": "none",
        "borderBottom": f"1px solid {LINE}",
    },
    "& .main, & .main-content": {"backgroundColor": GROUND},
    # Neither is used here, and both would be read out: a nameless progress bar and an empty heading.
    "& .header .MuiLinearProgress-root, & .main > * > .MuiToolbar-root h5": {"display": "none"},
}
CARD: dict[str, str] = {
    "background": SURFACE,
    "border": f"1px solid {LINE}",
    "border-radius": "10px",
    "padding": "14px 16px 8px",
    "overflow": "hidden",
}
BODY: dict[str, str] = {
    "padding": "18px clamp(12px, 2.5vw, 32px) 40px",
    "gap": "16px",
    "box-sizing": "border-box",
    "max-height": "none",  # Bokeh's 100% makes a page no higher than its window, and cuts what is below
}

HEADING = """
h1, h2 { font: 600 20px/1.3 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; margin: 0;
  color: light-dark(#1b2433, #e6eaf2); overflow-wrap: anywhere; }
h2 { font-size: 15px; margin-bottom: 6px; }
p { font: 14px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; margin: 2px 0 0;
  color: light-dark(#5b6678, #9aa6b8); }
p span[class]:not([class=""]) { font-weight: 600; }
h1 + p { font-size: 16px; margin-top: 4px; }
p :is(.bad, .failed) { color: light-dark(#b91c1c, #ff8a8a); }
p :is(.good, .completed) { color: light-dark(#15803d, #5fd38d); }
p .active { color: light-dark(#2563eb, #7aa7ff); }
p .cancelled { color: light-dark(#8a5a06, #e5b567); }
"""

LETTER = """
iframe { display: block; box-sizing: border-box; width: 100%; height: 460px; resize: vertical; background: #ffffff;
  color-scheme: light; border: 1px solid light-dark(#e3e7ee, #2a3342); border-radius: 8px; }
iframe:focus-visible { outline: 2px solid light-dark(#2563eb, #7aa7ff); outline-offset: 2px; }
"""
"""The frame of a mail: on white, as most programs for mail have it."""

LEGEND = """
div { display: flex; flex-wrap: wrap; gap: 4px 16px; color: light-dark(#5b6678, #9aa6b8);
  font: 13px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
b { display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin-right: 6px; }
"""

ONWARD = """
nav { display: flex; flex-wrap: wrap; gap: 6px 20px; padding: 2px 0 6px;
  font: 14px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
a { color: light-dark(#2563eb, #7aa7ff); text-decoration: none; padding: 3px 0; }
a:hover { text-decoration: underline; }
a:focus-visible { outline: 2px solid light-dark(#2563eb, #7aa7ff); outline-offset: 2px; border-radius: 4px; }
"""

LOGO = (
    "M12 2 3 7v10l9 5 9-5V7l-9-5Zm0 2.3 6.6 3.7L12 11.7 5.4 8 12 4.3Z"
    "M5 9.9l6 3.4v6.2l-6-3.3V9.9Zm8 9.6v-6.2l6-3.4v6.3l-6 3.3Z"
)

ICONS: Mapping[str, str] = {
    "overview": "M3 13h8V3H3v10Zm0 8h8v-6H3v6Zm10 0h8V11h-8v10Zm0-18v6h8V3h-8Z",
    "events": "M13 3a9 9 0 0 0-9 9H1l4 4 4-4H6a7 7 0 1 1 2 4.9l-1.4 1.4A9 9 0 1 0 13 3Zm-1 5v5l4 2.4.8-1.2-3.3-2V8H12Z",
    "errors": "M12 2 1 21h22L12 2Zm0 4.5L19.5 19h-15L12 6.5ZM11 10v5h2v-5h-2Zm0 6v2h2v-2h-2Z",
    "health": "M2 11h5l3-7 4 14 3-7h5v2h-3.700L14 22.500 9.700 8 8.300 13H2v-2Z",
    "plug": "M8 2h2v5h4V2h2v5h2v5a6 6 0 0 1-5 5.900V22h-2v-4.100A6 6 0 0 1 6 12V7h2V2Z",
    "agents": "M3 4h18v7H3V4Zm2 2v3h14V6H5Zm1 1h2v1H6V7ZM3 13h18v7H3v-7Zm2 2v3h14v-3H5Zm1 1h2v1H6v-1Z",
    "tasks": "M3 5h2v2H3V5Zm4 0h14v2H7V5ZM3 11h2v2H3v-2Zm4 0h14v2H7v-2Zm-4 6h2v2H3v-2Zm4 0h10v2H7v-2Z",
}
"""Drawn by ourselves as paths of 24 x 24, so that no icon font is loaded."""


def page_css(dark: bool) -> str:
    """The document's own styles: the ground is right before the first script runs, so that nothing flashes."""
    return f"""
:root {{ color-scheme: {"dark" if dark else "light"}; }}
html, body {{ background: {GROUND} !important; font-family: {FONT}; }}
#loader {{ background: none !important; }}
.spinner {{ display: none; }}
"""


__all__ = [
    "BODY",
    "CARD",
    "CHART_COLOURS",
    "HEADING",
    "ICONS",
    "LEGEND",
    "LETTER",
    "LIVE",
    "LOGO",
    "MARKS",
    "ONWARD",
    "PAGE_SX",
    "THEME",
    "page_css",
]
