"""Secrets are encrypted anew: an interrupted run goes on, what cannot be read is told, servers at work go on."""

from pathlib import Path

import pytest

from claudia_core import Claudia
from claudia_core.errors import SettingsError, StoreError
from claudia_core.integrations.oauth.keyring import Keyring
from claudia_core.services.resealing import Resealing
from claudia_core.settings import default_settings

URL = "https://h.example/"


@pytest.fixture
def hub(tmp_path: Path):
    with Claudia(tmp_path / "hub.db", display="off") as opened:
        yield opened


def keys(hub) -> list[str]:
    """The keys in the file."""
    return (Path(hub.settings.database_url.removeprefix("sqlite:///")).parent / "secret-keys").read_text().split()


def secret_of(hub, id) -> str:
    return hub.webhooks._safe.endpoint(hub.webhooks.get(id)).secrets[0].text


def test_an_interrupted_run_goes_on(hub, monkeypatch):
    """Both keys are kept until all is done; what was done is not done again, and no third key is made."""
    made = [hub.webhooks.create(URL) for _ in range(3)]
    (first,) = keys(hub)
    taken = []
    honest = Resealing._take

    def dying(self, collection, id, texts, done):
        if len(taken) == 1:
            raise KeyboardInterrupt
        taken.append(id)
        honest(self, collection, id, texts, done)

    monkeypatch.setattr(Resealing, "_take", dying)
    with pytest.raises(KeyboardInterrupt):
        hub.rotate_secrets()
    monkeypatch.undo()
    second, kept = keys(hub)
    assert kept == first
    assert [secret_of(hub, one.id) for one, _ in made] == [text for _, text in made]
    assert hub.rotate_secrets().changed == 2
    assert keys(hub) == [second]
    assert [secret_of(hub, one.id) for one, _ in made] == [text for _, text in made]


def test_what_no_key_reads_is_told_and_no_key_is_lost(hub):
    """The others are done; once it is deleted, the run comes to its end."""
    lost, _ = hub.webhooks.create(URL, name="lost")
    well, text = hub.webhooks.create(URL)

    def spoil(tx):
        document = tx.get("endpoints", lost.id)
        secrets = [{**secret, "text": "sealed:" + Keyring.new().encrypt(b"x")} for secret in document["secrets"]]
        tx.put("endpoints", {**document, "secrets": secrets})

    hub.store.write(spoil).result()
    with pytest.raises(SettingsError, match=f"endpoints {lost.id}"):
        hub.rotate_secrets()
    assert len(keys(hub)) == 2
    hub.webhooks.delete(lost.id)
    hub.rotate_secrets()
    assert len(keys(hub)) == 1
    assert secret_of(hub, well.id) == text


def test_another_process_goes_on(hub):
    """It reads the file of keys again when that has changed: what it reads and what it writes is good."""
    endpoint, text = hub.webhooks.create(URL)
    with Claudia(settings=hub.settings) as other:
        assert secret_of(other, endpoint.id) == text
        hub.rotate_secrets()
        assert secret_of(other, endpoint.id) == text
        made, new = other.webhooks.create(URL)
        assert secret_of(hub, made.id) == new
        assert hub.rotate_secrets().changed == 2
        assert secret_of(other, made.id) == new


def test_keys_of_the_setting(tmp_path):
    """A new one before the old one: after a run, the old one can go. What was kept plainly is encrypted, too."""
    old, new = Keyring.new_key(), Keyring.new_key()
    settings = default_settings(database_url=str(tmp_path / "hub.db"), display="off", secret_keys=old)
    with Claudia(settings=settings) as hub:
        endpoint, text = hub.webhooks.create(URL, headers={"X-Key": "hunter2"})
        hub.store.write(
            lambda tx: tx.put("endpoints", {**tx.get("endpoints", endpoint.id), "headers": {"X-Key": "hunter2"}})
        ).result()
    with Claudia(settings=settings.changed(secret_keys=f"{new},{old}")) as hub:
        assert (hub.rotate_secrets().changed, hub.rotate_secrets().changed) == (1, 0)
        assert "hunter2" not in str(hub.store.get("endpoints", endpoint.id))
    with Claudia(settings=settings.changed(secret_keys=new)) as hub:
        assert secret_of(hub, endpoint.id) == text
        assert not (tmp_path / "secret-keys").exists()


def test_a_hub_elsewhere_keeps_its_keys_itself():
    """It is refused in words."""
    with Claudia("http://127.0.0.1:9", display="off") as hub, pytest.raises(StoreError, match="keys of secrets"):
        hub.rotate_secrets()
