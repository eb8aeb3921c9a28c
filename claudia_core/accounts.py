"""A hub's users, keys, sessions and audit log, and how often they changed here."""

from __future__ import annotations

from claudia_core.ports import Store
from claudia_core.services.access.audit import Audit
from claudia_core.services.access.keys import Keys
from claudia_core.services.access.sessions import Sessions
from claudia_core.services.access.users import Users


class Revisions:
    """Counts the changes of users, keys and sessions in this process; shared by all views of a hub."""

    def __init__(self) -> None:
        self.number = 0

    def move(self) -> None:
        """Note a change."""
        self.number += 1


class Accounts:
    """Who may come in, and who changed what. Made when asked for: most of a hub's work needs none of it.

    Raises:
        StoreError: the hub is elsewhere: it keeps these itself.
    """

    acts_on: Store
    """What changes go through: the store, or one around it."""
    revisions: Revisions

    def _require_here(self, what: str) -> None:
        raise NotImplementedError

    @property
    def users(self) -> Users:
        """People who may sign in."""
        self._require_here("the list of users")
        return Users(self.acts_on, self.revisions.move)

    @property
    def keys(self) -> Keys:
        """API keys."""
        self._require_here("the list of keys")
        return Keys(self.acts_on, self.revisions.move)

    @property
    def sessions(self) -> Sessions:
        """Who is signed in."""
        self._require_here("the list of sessions")
        return Sessions(self.acts_on, self.revisions.move)

    @property
    def audit(self) -> Audit:
        """Who changed what."""
        self._require_here("the audit log")
        return Audit(self.acts_on)
