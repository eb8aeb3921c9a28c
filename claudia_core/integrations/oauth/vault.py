"""Vault: tokens of accounts elsewhere, kept in the hub's store and encrypted there."""

from __future__ import annotations

import orjson

from claudia_core.errors import InvalidValue, NotFound
from claudia_core.integrations.oauth.keyring import Keyring
from claudia_core.integrations.oauth.provider import OAuthProvider
from claudia_core.integrations.oauth.tokens import Tokens
from claudia_core.model.times import to_text
from claudia_core.ports import Document, Query, Store, Transaction

COLLECTION = "oauth_tokens"
PAGE = 500
LONGEST = 200


class Vault:
    """Keeps tokens under a name of one's own, such as `github:octocat`.

    A name is sealed into what is encrypted: somebody who can write the database cannot pass one account's tokens off
    as another's.
    """

    def __init__(self, store: Store, keyring: Keyring) -> None:
        self._store = store
        self._keyring = keyring

    def save(self, name: str, tokens: Tokens) -> None:
        """Keep tokens; those under the same name go.

        Raises:
            InvalidValue: the name is empty or over 200 characters.
        """
        if not 0 < len(name) <= LONGEST:
            raise InvalidValue(f"a name has 1 to {LONGEST} characters", field="name")
        sealed = self._seal(name, tokens)
        self._store.write(lambda tx: _put(tx, name, sealed)).result()

    def load(self, name: str) -> Tokens:
        """The tokens under a name.

        Raises:
            NotFound: there are none.
            SettingsError: none of the keys can read them.
        """
        found = self._store.get(COLLECTION, name)
        if found is None:
            raise NotFound(f"no tokens are kept as {name!r:.80}", field="name")
        return self._open(found)

    def fresh(self, name: str, provider: OAuthProvider) -> Tokens:
        """The tokens under a name, renewed and kept when their time is over.

        Raises:
            NotFound, SettingsError: as `load`.
            ProviderRefused, ProviderUnavailable: they cannot be renewed.
        """
        tokens = self.load(name)
        if not tokens.is_expired:
            return tokens
        renewed = provider.refresh(tokens)
        self.save(name, renewed)
        return renewed

    def delete(self, name: str) -> None:
        """Forget tokens; nothing happens when there are none."""
        self._store.write(lambda tx: tx.delete(COLLECTION, name)).result()

    def rotate(self) -> int:
        """Encrypt all tokens with the newest key; how many there are.

        Raises:
            SettingsError: one cannot be read with any of the keys; those before it are done.
        """
        done, after = 0, None
        while True:
            page = self._store.find(Query(COLLECTION, limit=PAGE, after=after))
            for document in page.documents:
                self._reseal(document)
            done, after = done + len(page.documents), page.next
            if after is None:
                return done

    def _reseal(self, document: Document) -> None:
        sealed = self._seal(document["id"], self._open(document))

        def work(tx: Transaction) -> None:
            now = tx.get(COLLECTION, document["id"])
            if now is not None and now["sealed"] == document["sealed"]:  # else saved anew meanwhile
                _put(tx, document["id"], sealed)

        self._store.write(work).result()

    def _seal(self, name: str, tokens: Tokens) -> str:
        return self._keyring.encrypt(orjson.dumps({"name": name, **tokens.as_document()}))

    def _open(self, document: Document) -> Tokens:
        told = orjson.loads(self._keyring.decrypt(document["sealed"]))
        if told.pop("name") != document["id"]:
            raise NotFound(f"the tokens under {document['id']!r:.80} belong to another name", field="name")
        return Tokens(**told)


def _put(tx: Transaction, name: str, sealed: str) -> None:
    tx.put(COLLECTION, {"id": name, "sealed": sealed, "at": to_text(tx.now)})
