"""The timeline as a Bokeh figure: bars, heaps of what is too much for bars, and names where they fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from claudia_core.model.task import Status
from dashboards import units
from dashboards.cells import tasks as cells
from dashboards.figures import lanes
from dashboards.figures.lanes import Bar, Heap
from dashboards.theme import CHART_COLOURS, MARKS

COLOURS: Mapping[str, str] = {**CHART_COLOURS, "active": "#5b8def"}
KEYS = ("id", "name", "status", "lasted", "href", "lane", "left", "right", "colour", "hatch")
HEAP_KEYS = ("name", "left", "right", "bottom", "top", "colour", "hatch")

GONE: Mapping[str, Any] = {"name": "", "left": 0.0, "right": 0.0}
"""What is left of a bar that is not drawn any more."""

LANE, LOWEST, HIGHEST = 22, 130, 560
"""Height in pixels of a lane, and of the least and the most that is drawn."""

HEAPED = 3.0
"""Height of the highest heap, in lanes."""

FITTING = """
let width = 0, lane = 0
try {
  width = fig.inner_width
  lane = fig.inner_height / Math.abs(fig.y_range.end - fig.y_range.start)
} catch { /* not laid out yet: drawn again when it is */ }
const {start, end} = fig.x_range, scale = width / (end - start)
if (lane < 12) { return xs.map(() => "") }
return xs.map((name, at) => {
  const most = Math.floor(((bars.data.right[at] - Math.max(start, bars.data.left[at])) * scale - 8) / 6.3)
  return name.length <= most ? name : most < 5 ? "" : name.slice(0, most - 1) + "…"
})
"""
"""A name as far as it fits into its bar, in characters of about 6 pixels; none where lanes are lower than a line."""

WITHIN = "return xs.map((left) => Math.max(left, fig.x_range.start))"
GO = "const at = bars.selected.indices[0]; if (at != null) { window.location.href = bars.data.href[at] }"


def row(one: Bar, lane: int, now: float) -> dict[str, Any]:
    """A bar as a row of its data source."""
    end = lanes.finish(one, now)
    return {
        "id": one.id,
        "name": one.name[:120],
        "status": f"{MARKS[Status(one.status)]} {one.status}",
        "lasted": units.span(end - one.start),
        "href": cells.task_href(one.id),
        "lane": lane,
        "left": one.start * 1e3,
        "right": end * 1e3,
        "colour": COLOURS[one.status],
        "hatch": lanes.HATCHES[one.status],
    }


def heap_columns(heaps: Sequence[Heap]) -> dict[str, list[Any]]:
    """Heaps as columns of their data source: stacked by status, the highest `HEAPED` lanes high, above the lanes."""
    scale = HEAPED / max((heap.size for heap in heaps), default=1)
    found: dict[str, list[Any]] = {key: [] for key in HEAP_KEYS}
    for heap in heaps:
        low = 0.0
        for word, count in heap.counts.items():
            if count:
                values = (heap.words, heap.start * 1e3, heap.end * 1e3, -0.8 - low, -0.8 - low - count * scale,
                          COLOURS[word], lanes.HATCHES[word])  # fmt: skip
                for key, value in zip(HEAP_KEYS, values, strict=True):
                    found[key].append(value)
                low += count * scale
    return found


def put(
    source: Any,
    rows: Mapping[str, Mapping[str, Any]],
    keys: Sequence[str],
    before: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
) -> None:
    """Bring a data source up to date by its differences: changed cells are patched, new rows streamed.

    What is the same object as in `before`, the rows of the last time, is not looked at. Rows that are gone lose their
    width; only when half of all are gone is the source made anew.
    """
    known = source.data["id"]
    gone = sum(id not in rows for id in known)
    if not known or gone > max(100, len(known) // 2):
        source.data = {key: [row[key] for row in rows.values()] for key in keys}
        return
    patches: dict[str, list[tuple[int, Any]]] = {}
    for at, id in enumerate(known):
        row = rows.get(id, GONE)
        if before.get(id) is row:
            continue
        for key in keys if id in rows else GONE:
            if source.data[key][at] != row[key]:
                patches.setdefault(key, []).append((at, row[key]))
    if patches:
        source.patch(patches)
    there = set(known)
    fresh = [row for id, row in rows.items() if id not in there]
    if fresh:
        source.stream({key: [row[key] for row in fresh] for key in keys})


def scale(drawn: Any, since: float, now: float, count: int, *, heaped: bool) -> None:
    """Let the axes hold so many lanes from `since` to `now`, and the heaps above them."""
    above = 1.2 + HEAPED if heaped else 0.6
    height = min(HIGHEST, max(LOWEST, round(60 + LANE * (count + (1 + HEAPED if heaped else 0)))))
    if drawn.height != height:
        drawn.height = height
    drawn.x_range.update(start=since * 1e3, end=now * 1e3)
    drawn.y_range.update(start=count - 0.4, end=-above)


def words(bars: int, heaps: Iterable[Heap], complete: str, *, partial: bool) -> tuple[str, ...]:
    """What is drawn and what is not, sentence by sentence."""
    told = [f"{units.plural(bars, 'task')}, children below their parents."]
    counted = sum(heap.size for heap in heaps)
    if counted:
        told.append(f"{counted:,} more that ended before {complete} are counted in columns above the bars.")
    elif partial:
        told.append(f"Those that ended before {complete} are left out: there are too many.")
    return tuple(told)


def figure(leads: bool) -> tuple[Any, dict[str, Any]]:
    """The chart and its data sources `bars` and `heaps`; with `leads`, a click on a bar opens the task's address."""
    from bokeh.models import (
        ColumnDataSource,
        CustomJS,
        CustomJSTickFormatter,
        CustomJSTransform,
        DatetimeTicker,
        Dodge,
        HoverTool,
        Range1d,
        TapTool,
    )
    from bokeh.plotting import figure as new_figure
    from bokeh.transform import transform

    from dashboards.parts.charts.chart import CLOCK

    bars = ColumnDataSource({key: [] for key in KEYS})
    heaps = ColumnDataSource({key: [] for key in HEAP_KEYS})
    drawn = new_figure(height=LOWEST, sizing_mode="stretch_width", toolbar_location=None, tools="", x_range=Range1d(),
                       y_range=Range1d())  # fmt: skip
    boxes: list[Any] = [
        drawn.hbar(
            y="lane", left="left", right="right", height=0.74, source=bars, fill_color="colour",
            line_color="white", line_alpha=0.4, line_width=0.5,
            nonselection_fill_alpha=1.0, nonselection_hatch_alpha=0.45, **_hatched(hatch, 7),
        )
        for hatch in lanes.HATCHES.values()
    ]  # fmt: skip
    low, high = (transform("lane", Dodge(value=edge)) for edge in (-0.37, 0.37))
    drawn.segment("left", low, "left", high, source=bars, line_color="colour", line_width=1.5)  # however short it was
    args = {"fig": drawn, "bars": bars}
    drawn.text(
        x=transform("left", CustomJSTransform(args=args, v_func=WITHIN)), y="lane", x_offset=4, source=bars,
        text=transform("name", CustomJSTransform(args=args, v_func=FITTING)), text_baseline="middle",
        text_font_size="11px", text_color="#0b1220", nonselection_text_alpha=1.0,
    )  # fmt: skip
    columns: list[Any] = [
        drawn.quad(
            left="left", right="right", top="top", bottom="bottom", source=heaps, fill_color="colour", line_color=None,
            **_hatched(hatch, 5),
        )
        for hatch in lanes.HATCHES.values()
    ]  # fmt: skip
    tap = TapTool(renderers=boxes)
    if leads:
        tap.callback = CustomJS(args={"bars": bars}, code=GO)
    told = [("", "@name"), ("", "@status"), ("", "@lasted")]
    drawn.add_tools(
        HoverTool(renderers=boxes, tooltips=told), HoverTool(renderers=columns, tooltips=[("", "@name")]), tap
    )
    for size in ("inner_width", "inner_height"):
        drawn.js_on_change(size, CustomJS(args={"bars": bars}, code="bars.change.emit()"))
    drawn.xaxis.ticker = DatetimeTicker(desired_num_ticks=4)
    drawn.xaxis.formatter = CustomJSTickFormatter(code=CLOCK)
    drawn.yaxis.visible = False
    drawn.xgrid.grid_line_alpha = 0.4
    drawn.ygrid.grid_line_color = drawn.outline_line_color = None
    drawn.min_border_left = drawn.min_border_right = 12
    return drawn, {"bars": bars, "heaps": heaps}


def _hatched(hatch: str, scale: float) -> dict[str, Any]:
    """A glyph for the rows of one hatch: where each row has its own, Bokeh makes a canvas for each at every change."""
    from bokeh.models import CDSView, GroupFilter

    view = CDSView(filter=GroupFilter(column_name="hatch", group=hatch))
    pattern = None if hatch == " " else hatch
    return {"view": view, "hatch_pattern": pattern, "hatch_color": "white", "hatch_alpha": 0.45, "hatch_scale": scale}
