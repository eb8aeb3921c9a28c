"""The HTML document around a page: what its head asks for, and the scripts and styles it lists."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from functools import cache
from typing import Any

import panel as pn
from bokeh.model import Model
from jinja2 import Template
from panel.io import server
from panel.io.resources import JS_VERSION, _env
from panel_material_ui.template.base import Page as Window

from dashboards.theme import HERE
from dashboards.theme.part import Part

STYLES = ("css/loading.css", "css/listpanel.css", "bundled/theme/material_variables.css", "bundled/theme/material.css")
"""Panel's styles of the components that every page has."""

UNUSED = ("bokeh-gl", "es-module-shims")
"""Scripts that no page uses: charts are drawn without WebGL, and browsers import modules by themselves."""

REPLACED = "bundle_resources"
"""The name in `panel.io.server` under which the lists of a served document are made."""


@cache
def template() -> Template:
    """The document of every page."""
    found: Template = _env.from_string((HERE / "page.html").read_text(encoding="utf-8"))
    found.globals["early"] = {"modules": tuple(_modules()), "styles": tuple(_styles())}
    return found


def _modules() -> Iterable[str]:
    return (part._render_esm(server=True).removeprefix("./") for part in (Window, Part))


def _styles() -> Iterable[str]:
    yield from (f"static/extensions/panel/{path}?v={JS_VERSION}" for path in STYLES)
    yield from (path.replace(".js", ".css").replace("_bundle_path", "_bundle_css") for path in _modules())


class Bundles:
    """The lists of scripts and styles of our pages, each made once.

    Panel makes them anew for each document, from the files of every component class there is: 60 ms with
    panel-material-ui. For pages of others it still does.
    """

    def __init__(self) -> None:
        self._make: Any = vars(server)[REPLACED]
        self._made: dict[Hashable, Any] = {}

    def __call__(self, roots: Any, resources: Any, *args: Any, **options: Any) -> Any:
        """What `panel.io.resources.bundle_resources` returns."""
        document = pn.state.curdoc
        if document is None or document.template is not template():
            return self._make(roots, resources, *args, **options)
        known = (len(Model.model_class_reverse_map), *pn.extension._loaded_extensions)
        key = (resources.mode, resources.root_url, resources.absolute, pn.state.rel_path, known)
        if key not in self._made:
            made = self._make(roots, resources, *args, **options)
            made.js_files = [url for url in made.js_files if not any(name in str(url) for name in UNUSED)]
            self._made[key] = made
        return self._made[key]


def keep_bundles() -> None:
    """Have the lists of scripts and styles of our pages made once in this process; calling it twice is fine."""
    if not isinstance(vars(server)[REPLACED], Bundles):
        setattr(server, REPLACED, Bundles())
