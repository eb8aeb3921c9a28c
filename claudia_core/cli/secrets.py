"""`claudia secrets`: the keys that secrets in the store are encrypted with."""

from __future__ import annotations

import cyclopts

from claudia_core.cli.hub import Database, open_hub
from claudia_core.cli.terminal import note, say

app = cyclopts.App(
    name="secrets", help="The keys that secrets in the store are encrypted with.", help_format="plaintext"
)


@app.command
def rotate(*, database: Database = None) -> None:
    """Encrypt all secrets in the store with a new key; servers may go on meanwhile.

    The old key counts until all are done, and is then forgotten. A run that was interrupted is simply started again.
    Keys of CLAUDIA_SECRET_KEYS are not changed by this: put a new one (`claudia secrets key`) before the old one on
    every server, start them again, run this, and take the old one out.
    """
    with open_hub(database) as claudia:
        done = claudia.rotate_secrets()
        by_setting = claudia.settings.secret_keys is not None
        claudia.audit.record("secrets.rotate", "")
    say(f"{done.changed:,} of {done.seen:,} endpoints, sources and channels encrypted anew with the newest key.")
    if by_setting:
        note("Only the first key of CLAUDIA_SECRET_KEYS is needed now: the others can be taken out.")


@app.command
def key() -> None:
    """Print a new key, for CLAUDIA_SECRET_KEYS."""
    from claudia_core.integrations.oauth.keyring import Keyring

    say(Keyring.new_key())
