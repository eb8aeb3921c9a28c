"""The log, live: WebSockets and server-sent events."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.routing import WebSocketRoute

from claudia_core.api.realtime import streams
from claudia_core.api.realtime.limits import Limits
from claudia_core.api.realtime.realtime import Authorize, Realtime, by_identity
from claudia_core.api.realtime.sockets import BesideBokeh, ChannelsSocket, TaskSocket
from claudia_core.app import Claudia


def mount(app: FastAPI, claudia: Claudia, *, authorize: Authorize = by_identity, limits: Limits | None = None) -> None:
    """Put `/ws`, `/ws/tasks/{id}`, `/api/v1/events/stream` and `/events/{user_id}` on an application.

    Call it after Panel's pages were added: what comes later stands in front, and a page at `/` has its socket at `/ws`
    too. Bokeh's clients name their subprotocol; everybody else who comes to `/ws` comes to the channels.

    Serve with the options `serving.UVICORN`; without them all works too, only slower.

    Args:
        app: the application; who is let in at all is decided outside it.
        claudia: the hub whose log is told.
        authorize: asked for every channel that a connection wants to read.
        limits: what one client, and all together, may ask.
    """
    realtime = app.state.realtime = Realtime(claudia, authorize, limits or Limits())
    app.include_router(streams.router(realtime))
    app.add_middleware(BesideBokeh, channels=ChannelsSocket(realtime))
    app.router.routes.append(WebSocketRoute("/ws/tasks/{id}", TaskSocket(realtime)))


__all__ = ["Authorize", "Limits", "Realtime", "mount"]
