"""The Sentry protocol as a server sees it: programs with `sentry_sdk` tell a hub their errors and check-ins."""

from claudia_core.integrations.sentry.check_in import CheckIn, check_in_of
from claudia_core.integrations.sentry.envelope import Item, key_of, opened, parse
from claudia_core.integrations.sentry.event import report_of

__all__ = ["CheckIn", "Item", "check_in_of", "key_of", "opened", "parse", "report_of"]
