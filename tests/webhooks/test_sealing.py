"""Secrets of webhooks are encrypted in the store, and good where they are used."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from standardwebhooks.webhooks import Webhook

from claudia_core import Claudia
from claudia_core.api import hooks
from claudia_core.errors import SettingsError
from claudia_core.services.events import NewEvent
from claudia_core.services.sealing import Safe
from claudia_core.testing.waiting import eventually
from tests.webhooks.receiver import receiving


def test_secrets_of_endpoints(tmp_path: Path) -> None:
    """Neither the secret nor a header's value is in the database's files, also after a rotation and a change; what is
    sent is signed with them, by another process's hub too, which reads the key beside the database."""
    path = tmp_path / "claudia.db"
    with receiving() as receiver:
        with Claudia(path, display="off") as claudia:
            endpoint, old = claudia.webhooks.create(
                receiver.url, ["invoice:*"], headers={"Authorization": "Bearer hunter2hunter2"}
            )
            _, new = claudia.webhooks.rotate(endpoint.id)
            claudia.webhooks.update(endpoint.id, headers={"Authorization": "Bearer hunter3hunter3"})
        with Claudia(path, display="off", outgoing_allow=("127.0.0.0/8",)) as claudia:
            sender = claudia.send_webhooks()
            eventually(lambda: sender.is_sending)
            claudia.events.append([NewEvent("invoice:paid", "1")])
            eventually(lambda: bool(receiver.messages))
            claudia.webhooks.rotate(endpoint.id, secret=new)
            assert len(claudia.webhooks.get(endpoint.id).secrets) == 2, "a secret that is given again is there once"
        (message,) = receiver.messages
        assert message.headers["authorization"] == "Bearer hunter3hunter3"
        for secret in (old, new):
            Webhook(secret).verify(message.body, message.headers)
        kept = b"".join(file.read_bytes() for file in tmp_path.glob("claudia.db*"))
        for secret in (old, new, "hunter2", "hunter3"):
            assert secret.removeprefix("whsec_").encode() not in kept


def test_without_the_key_nothing_is_sent_unsigned(tmp_path: Path) -> None:
    """When the keys are lost, deliveries fail in words, and are tried again."""
    path = tmp_path / "claudia.db"
    with receiving() as receiver:
        with Claudia(path, display="off") as claudia:
            endpoint, _ = claudia.webhooks.create(receiver.url, ["invoice:*"])
        (tmp_path / "secret-keys").unlink()
        with Claudia(path, display="off", outgoing_allow=("127.0.0.0/8",)) as claudia:
            sender = claudia.send_webhooks()
            eventually(lambda: sender.is_sending)
            claudia.events.append([NewEvent("invoice:paid", "1")])
            eventually(lambda: claudia.webhooks.deliveries(endpoint.id).deliveries[0:1] and True)
            eventually(lambda: claudia.webhooks.deliveries(endpoint.id).deliveries[0].tries == 1)
            (delivery,) = claudia.webhooks.deliveries(endpoint.id).deliveries
            assert "cannot be decrypted" in delivery.attempts[0].error
        assert receiver.messages == []


def test_secrets_of_sources(tmp_path: Path) -> None:
    """What a source signs with is encrypted, and verifies its messages."""
    path = tmp_path / "claudia.db"
    with Claudia(path, display="off") as claudia:
        claudia.hooks.create("ci", "hmac", ["hunter2hunter2"])
        app = FastAPI()
        hooks.mount(app, claudia)
        body = json.dumps({"n": 1}).encode()
        right = hmac.new(b"hunter2hunter2", body, hashlib.sha256).hexdigest()
        with TestClient(app) as client:
            for signature, status in ((right, 202), ("0" * 64, 401)):
                answer = client.post("/api/v1/hooks/ci", content=body, headers={"x-signature": signature})
                assert answer.status_code == status, answer.text
    kept = b"".join(file.read_bytes() for file in tmp_path.glob("claudia.db*"))
    assert b"hunter2" not in kept


def test_a_secret_cannot_be_given_to_another(tmp_path: Path) -> None:
    """What was sealed for one endpoint does not open for another; what was kept plain before still does."""
    with Claudia(tmp_path / "claudia.db", display="off") as claudia:
        safe = Safe(claudia._seals.optional)
        sealed = safe.seal("one", "secret")
        assert safe.open("one", sealed) == "secret"
        assert safe.open("one", "whsec_plain") == "whsec_plain"
        with pytest.raises(SettingsError, match="another's"):
            safe.open("other", sealed)
        with pytest.raises(SettingsError, match="nothing to open"):
            Safe().open("one", sealed)
