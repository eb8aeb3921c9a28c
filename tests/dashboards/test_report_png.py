"""The report's chart as a picture: its bars are where the counts say, in the colours of the pages."""

import io

import pytest
from PIL import Image, ImageColor

from claudia_core.errors import InvalidValue
from dashboards.parts import TaskTable
from dashboards.report import save, write_report
from dashboards.theme import CHART_COLOURS
from tests.dashboards.conftest import settle


def picture_of(hub):
    out = io.BytesIO()
    write_report(hub, out, "1h", form="png", title="Night <run>")
    return Image.open(io.BytesIO(out.getvalue())).convert("RGB")


def pixels(image, colour):
    """How many pixels of the plot have that colour."""
    wanted = ImageColor.getrgb(colour)
    plot = image.crop((90, 118, 1_177, 417))
    return sum(count for count, found in plot.getcolors(1 << 20) if found == wanted)


def test_bars_have_the_height_of_their_counts(claudia):
    """Three completed and one failed: three times the area; none is cancelled."""
    for name in ("a", "b", "c", "d"):
        task = claudia.tasks.create(name, start=True)
        claudia.tasks.fail(task.id, "no rows") if name == "d" else claudia.tasks.complete(task.id)
    settle(claudia)
    image = picture_of(claudia)
    assert image.size == (1_200, 480)
    completed, failed = pixels(image, CHART_COLOURS["completed"]), pixels(image, CHART_COLOURS["failed"])
    assert 2.5 < completed / failed < 3.5
    assert pixels(image, CHART_COLOURS["cancelled"]) == 0


def test_a_period_without_an_end_says_so(claudia):
    """Instead of an empty chart."""
    image = picture_of(claudia)
    assert all(pixels(image, colour) == 0 for colour in CHART_COLOURS.values())
    assert len(image.getcolors(1 << 20)) > 2, "words are drawn"


def test_to_a_file_by_its_ending_and_not_of_a_part(claudia, tmp_path):
    """A part without a chart is refused in words."""
    save(claudia, tmp_path / "chart.png", since="1h")
    assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")
    table = TaskTable(claudia)
    table.refresh()
    with pytest.raises(InvalidValue, match="no chart"):
        save(table, tmp_path / "table.png")
