"""The process in which apprise runs: one message from stdin, one word to stdout; never what apprise logs.

It is started with `-I`, without our environment. Before apprise is loaded, an audit hook is set, which cannot be taken
away: connections go to addresses that the guard of outgoing requests allows, nothing else is started.
"""

from __future__ import annotations

import ipaddress
import json
import logging
import sys
from collections.abc import Sequence
from typing import Any

STARTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.forkpty", "pty.spawn")
CALLS = ("socket.connect", "socket.sendto", "socket.sendmsg")


def guard(networks: Sequence[str]) -> None:
    """Refuse from now on whatever this process has no business with."""
    from claudia_core.integrations.addresses import Allowed

    allowed = Allowed(networks)

    def look(event: str, args: tuple[Any, ...]) -> None:
        if event in STARTS:
            raise PermissionError("starting programs is refused here")
        if event in CALLS:
            _require_open(args[1], allowed)

    sys.addaudithook(look)


def _require_open(address: Any, allowed: Any) -> None:
    """A name that is not resolved yet could lead anywhere: only addresses are taken, and only of the network."""
    if not isinstance(address, tuple):
        raise PermissionError("sockets of this machine are refused here")
    try:
        found = ipaddress.ip_address(str(address[0]).partition("%")[0])
    except ValueError as error:
        raise PermissionError("a name that is not resolved is refused here") from error
    if not allowed.is_open("", found):
        raise PermissionError("the address leads to this machine, a private network or a special range")


def main() -> int:
    """Send what stdin tells."""
    asked = json.loads(sys.stdin.buffer.read(100_000))
    logging.disable(logging.CRITICAL)  # its messages hold tokens
    guard(asked["networks"])
    import apprise

    asset = apprise.AppriseAsset(async_mode=False, secure_logging=True)
    made = apprise.Apprise(asset=asset)
    service = apprise.Apprise.instantiate(asked["url"], asset=asset)  # one: `add` would take several out of a text
    if service is None or not made.add(service):
        print("malformed")  # noqa: T201 - this is how it answers
        return 1
    is_sent = made.notify(body=asked["body"], title=asked["title"], notify_type=asked["type"], body_format="text")
    print("sent" if is_sent else "the service did not take it")  # noqa: T201
    return 0 if is_sent else 1


if __name__ == "__main__":
    sys.exit(main())
