"""A hub's server as a process of its own: python -m tests.clients.child DATABASE PORT TOKEN"""

import sys
from functools import partial

from claudia_core.api import server
from claudia_core.app import Claudia


def main(database: str, port: str, token: str) -> None:
    server.PAGES = "no.pages"  # they take seconds to load, and nobody looks at them
    listener = server.listen("127.0.0.1", int(port))
    with Claudia(database, display="off", durability="normal") as hub:
        hub.feed.start()
        hub.watch_agents()
        app = server.create_app(hub)
        say = partial(print, listener.getsockname()[1], flush=True)
        server.run(app, listener, host="127.0.0.1", token=token, ready=say)


if __name__ == "__main__":
    main(*sys.argv[1:])
