"""Stored tokens: encrypted, bound to their name, renewed in time, and with keys that can be changed."""

import threading
import time
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from claudia_core.errors import InvalidValue, NotFound, SettingsError
from claudia_core.integrations.oauth import Keyring, OAuthProvider, Tokens, Vault
from tests.integrations.oauth.provider import liar

TOKENS = Tokens("access-hush", "refresh-hush", None, None, "repo")


@pytest.fixture
def file(tmp_path):
    return tmp_path / "hub" / "oauth.key"


def test_tokens_come_back_as_they_were(claudia, file):
    """Saved, loaded, replaced and forgotten by name."""
    vault = Vault(claudia.store, Keyring.in_file(file))
    vault.save("github:ada", TOKENS)
    assert Vault(claudia.store, Keyring.in_file(file)).load("github:ada") == TOKENS
    vault.save("github:ada", Tokens("other"))
    assert vault.load("github:ada").access_token == "other"
    vault.delete("github:ada")
    vault.delete("github:ada")
    with pytest.raises(NotFound):
        vault.load("github:ada")


@pytest.mark.parametrize("name", ["", "x" * 201])
def test_a_name_has_a_length(claudia, file, name):
    """A name is a name."""
    with pytest.raises(InvalidValue):
        Vault(claudia.store, Keyring.in_file(file)).save(name, TOKENS)


def test_nothing_of_a_token_is_in_the_database(claudia_file, file):
    """Neither in the document, nor in any byte of the file and its log."""
    Vault(claudia_file.store, Keyring.in_file(file)).save("github:ada", TOKENS)
    assert "hush" not in str(claudia_file.store.get("oauth_tokens", "github:ada"))
    folder = Path(claudia_file.store.url.removeprefix("sqlite:///")).parent
    files = [path for path in folder.iterdir() if path.is_file()]
    assert files
    assert not any(b"hush" in path.read_bytes() for path in files)


def test_tokens_cannot_be_passed_off_as_anothers(claudia, file):
    """What is moved to another name in the database is refused, and so is what was changed."""
    vault = Vault(claudia.store, Keyring.in_file(file))
    vault.save("mine", TOKENS)
    document = claudia.store.get("oauth_tokens", "mine")
    claudia.store.write(lambda tx: tx.put("oauth_tokens", {**document, "id": "yours"})).result()
    with pytest.raises(NotFound, match="another name"):
        vault.load("yours")
    changed = document["sealed"][:-5] + "AAAA="
    claudia.store.write(lambda tx: tx.put("oauth_tokens", {**document, "sealed": changed})).result()
    with pytest.raises(SettingsError, match="cannot be decrypted"):
        vault.load("mine")


def test_the_key_file_is_the_owners_alone(file):
    """It is made with mode 600; a file that others can read, or a link, is refused with the cure."""
    Keyring.in_file(file)
    assert file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o640)
    with pytest.raises(SettingsError, match="chmod 600"):
        Keyring.in_file(file)
    link = file.with_name("link")
    link.symlink_to(file)
    with pytest.raises(SettingsError):
        Keyring.in_file(link)


def test_processes_that_start_together_share_one_key(file):
    """Whoever is faster makes it; all read the same."""
    found = []
    threads = [threading.Thread(target=lambda: found.append(Keyring.in_file(file))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sealed = found[0].encrypt(b"x")
    assert [keyring.decrypt(sealed) for keyring in found] == [b"x"] * 8
    assert [path.name for path in file.parent.iterdir()] == ["oauth.key"]


@pytest.mark.parametrize(
    "keys",
    [[], ["short"], ["x" * 44], [Fernet.generate_key().decode()] * 21],
    ids=["none", "short", "no base64", "too many"],
)
def test_keys_that_are_none(keys):
    """Malformed keys are named as such, without being repeated."""
    with pytest.raises(SettingsError) as caught:
        Keyring(keys)
    assert "xxx" not in str(caught.value)


def test_rotation(claudia, file):
    """A new key comes first and old tokens stay readable; once re-encrypted, the old key can go."""
    before = Vault(claudia.store, Keyring.in_file(file))
    for number in range(3):
        before.save(f"n{number}", TOKENS)
    both = Vault(claudia.store, Keyring.rotate_file(file))
    assert both.load("n0") == TOKENS
    with pytest.raises(SettingsError):
        Vault(claudia.store, Keyring(file.read_text().split()[:1])).load("n0")
    assert both.rotate() == 3
    after = Vault(claudia.store, Keyring.drop_old(file))
    assert [after.load(f"n{number}") for number in range(3)] == [TOKENS] * 3
    with pytest.raises(SettingsError):
        before.load("n0")
    assert file.stat().st_mode & 0o777 == 0o600


def test_an_expired_token_is_renewed_and_kept(claudia, file):
    """Once only: the next one finds it fresh."""
    vault = Vault(claudia.store, Keyring.in_file(file))
    with liar() as told:
        provider = OAuthProvider("me", "s", "http://127.0.0.1/back", f"{told.issuer}/a", f"{told.issuer}/token")
        vault.save("x", Tokens("old", "again", expires_at=time.time() + 3600))
        assert vault.fresh("x", provider).access_token == "old"
        vault.save("x", Tokens("old", "again", expires_at=time.time() - 1))
        assert vault.fresh("x", provider).access_token == "at"
        assert vault.load("x").refresh_token == "again"
        vault.fresh("x", provider)
        assert len(told.asked) == 1
