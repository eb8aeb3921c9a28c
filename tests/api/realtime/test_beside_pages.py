"""Panel's page at `/` has its socket at `/ws`, as the channels do: both work."""

import asyncio
import warnings

from fastapi import FastAPI

from claudia_core import Claudia
from tests.api.realtime.serving import Served, hear, say, serving


async def subscribe(served: Served) -> str:
    """Come to the channels as any client does."""
    async with served.ws() as client:
        assert (await hear(client))["type"] == "connected"
        return str((await say(client, type="subscribe", channel="tasks"))["type"])


def test_channels_and_the_page_at_the_root_share_an_address(claudia: Claudia) -> None:
    """Bokeh's client gets the page's session, everybody else the channels."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what others' packages warn of while they are imported
        from bokeh.client import pull_session
        from panel.io.fastapi import add_applications

    def add_pages(app: FastAPI) -> None:
        add_applications({"/": lambda: "# hello"}, app=app)

    with serving(claudia, pages=add_pages) as served:
        assert asyncio.run(subscribe(served)) == "subscribed"
        session = pull_session(url=served.url("/", "http"))
        assert session.document.roots
        session.close()
        assert asyncio.run(subscribe(served)) == "subscribed"
