"""What apprise can tell people by, in a process of its own in which it cannot reach what our guard would refuse.

apprise calls services by clients of its own, follows redirects where it is told to, reads files that an address names,
and starts programs for some services. So each message is sent by a child process with neither our environment nor our
secrets; a hook of the interpreter refuses it connections to private addresses, and other programs. Only the services of
`model.apprise_address` may be named, with none of the arguments that name files. Of `CLAUDIA_OUTGOING_ALLOW` networks
and addresses count here, names of hosts do not.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence

import orjson

from claudia_core.errors import IntegrationError, MissingExtra
from claudia_core.integrations.notifications.outgoing import Outgoing
from claudia_core.model.apprise_address import require_service
from claudia_core.model.rule import Level

SECONDS = 45.0
CHILD = "claudia_core.integrations.notifications.apprise_child"
KINDS = {Level.INFO: "info", Level.WARNING: "warning", Level.CRITICAL: "failure"}


def send(url: str, message: Outgoing, networks: Sequence[str]) -> None:
    """Tell one message; `networks` may be reached although they are private.

    Raises:
        MissingExtra: apprise is not installed.
        InvalidValue: the service may not be used.
        IntegrationError: the service, or our guard, does not take it; a retry may help unless the address is wrong.
    """
    require_service(url)
    if importlib.util.find_spec("apprise") is None:
        raise MissingExtra("this channel needs apprise", hint="pip install 'claudia-core[notifications]'")
    told = {"url": url, "title": message.title, "body": message.plain, "type": KINDS[message.level]}
    asked = orjson.dumps({**told, "networks": list(networks)})
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-m", CHILD],
            input=asked,
            capture_output=True,
            timeout=SECONDS,
            env={name: os.environ[name] for name in ("PATH", "LANG", "SYSTEMROOT") if name in os.environ},
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise TimeoutError(f"apprise took longer than {SECONDS:g} s") from error
    said = done.stdout.decode(errors="replace").strip()[:300]
    if done.returncode == 0 and said == "sent":
        return
    if said == "malformed":
        raise IntegrationError("apprise cannot read the address", "apprise", None, retryable=False)
    raise ConnectionError(said or f"apprise ended with {done.returncode}")
