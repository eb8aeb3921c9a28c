"""`claudia.notifications`: the four nouns of notifications over one store."""

from __future__ import annotations

from collections.abc import Callable

from claudia_core.ports import Sealer, Store
from claudia_core.services.notifications.channels import Channels
from claudia_core.services.notifications.notices import Notices
from claudia_core.services.notifications.outgoing import Dispatches
from claudia_core.services.notifications.people import People
from claudia_core.services.notifications.rules import Rules


class Notifications:
    """Changes and finds. Telling people is done by `integrations.notifications`, on a server.

        ops = claudia.notifications.channels.create("ops", "slack", "https://hooks.slack.com/services/...")
        claudia.notifications.rules.create("lost", ["agent:lost"], level="critical", channels=[ops.id], users=["*"])
        claudia.notifications.notices.list()  # one's own

    Args:
        store: where all of it is.
        sealer: gives what addresses of channels are encrypted with, when one is asked for.
    """

    def __init__(self, store: Store, sealer: Callable[[], Sealer]) -> None:
        self.channels = Channels(store, sealer)
        self.rules = Rules(store)
        self.people = People(store)
        self.notices = Notices(store, self.people)
        self.dispatches = Dispatches(store)
