"""A slim component still follows what a page changes, and drops what it does not."""

import panel as pn
from bokeh.document import Document
from bokeh.plotting import figure

from dashboards.beat.slim import slim, slim_models
from dashboards.parts.frame.heading import heading
from dashboards.parts.frame.rows import Column, Rows


def test_what_a_page_changes_is_still_sent():
    """Visibility, text and label reach the models; nobody watches margins any more."""
    table, head = Rows((Column("name", "Name"),), label="before"), heading("Before")
    page = pn.Column(table, head)
    document = Document()
    root = page.get_root(document)
    document.add_root(root)
    slim(page.select())
    slim_models(document.models)
    table.label, table.visible, head.object = "after", False, "<h2>After</h2>"
    first, second = root.children
    assert first.data.label == "after"
    assert not first.visible
    assert "After" in second.text
    assert "margin" not in table._param__private.watchers
    assert not table._param__private.params.keys() & {"margin", "align"}


def test_a_pane_may_show_another_model():
    """What stands in the place of what was shown is a new model in the same parent, sized as before."""
    pane = pn.pane.Bokeh(figure(height=100), sizing_mode="stretch_width")
    page = pn.Column(pane)
    document = Document()
    root = page.get_root(document)
    document.add_root(root)
    slim(page.select())
    slim_models(document.models)
    other = figure(height=200)
    pane.object = other
    assert root.children == [other]
