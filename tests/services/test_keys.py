"""API keys and sessions: secrets that are kept as hashes, end by themselves, and can be ended."""

from datetime import timedelta

import pytest

from claudia_core import Claudia
from claudia_core.errors import InvalidValue, NotFound, TokenExpired, TokenInvalid
from claudia_core.model.identity import Identity, Kind, Scope, acting_as
from claudia_core.services.access import keys, sessions

WHO = Identity(Kind.USER, "u1", "ann", frozenset({Scope.ADMIN}), via="password", address="10.0.0.7")
DAY = timedelta(days=1)


@pytest.fixture
def hub():
    with Claudia("memory://", display="off") as hub:
        yield hub


def test_a_key_is_shown_once(hub):
    """The text begins with a mark that scanners know; the store keeps its prefix and hash."""
    with acting_as(WHO):
        key, text = hub.keys.create("ci", scope="viewer", projects=["etl"])
    assert text.startswith("claudia_")
    assert text.startswith(key.prefix)
    secret = text.removeprefix(key.prefix)
    assert secret not in str(hub.store.get("keys", key.id))
    assert "digest" not in key.to_public()
    assert hub.keys.accept(text).identity().scopes == {Scope.VIEWER}
    assert hub.keys.get(key.id).created_by == "user:u1"


def test_wrong_texts_are_refused(hub):
    """Another ending, only the prefix, no key at all: all the same."""
    _, text = hub.keys.create("ci")
    for shown in (text[:-1], text + "x", text[:16], "claudia_", "", "claudia_gr\u00fcn", text.upper()):
        with pytest.raises(TokenInvalid):
            hub.keys.accept(shown)


def test_a_revoked_key_is_refused(hub):
    """At once, with the sessions that began with it; once more does no harm."""
    key, text = hub.keys.create("ci")
    hub.sessions.begin(key.identity(), DAY, kind="tokens")
    hub.keys.revoke(key.id)
    assert hub.keys.revoke(key.id).revoked_at is not None
    assert hub.sessions.list() == []
    with pytest.raises(TokenInvalid):
        hub.keys.accept(text)
    with pytest.raises(NotFound):
        hub.keys.revoke("nothing")


def test_a_key_ends_by_itself(hub, monkeypatch):
    """After its days it has expired, and says so."""
    key, text = hub.keys.create("ci", days=1)
    assert hub.keys.accept(text).expires_at == key.created_at + DAY
    monkeypatch.setattr(keys, "utc_now", lambda: key.created_at + DAY)
    with pytest.raises(TokenExpired):
        hub.keys.accept(text)


@pytest.mark.parametrize("days", [0, -1, 3_651, float("nan")])
def test_days_are_bounded(hub, days):
    """More than none and at most ten years."""
    with pytest.raises(InvalidValue):
        hub.keys.create("ci", days=days)


def test_the_last_use_is_noted_at_most_once_a_minute(hub):
    """A busy key costs one small write a minute."""
    key, text = hub.keys.create("ci")
    for _ in range(3):
        hub.keys.accept(text)
    hub.flush()
    first = hub.keys.get(key.id).last_used_at
    assert first is not None
    hub.keys.accept(text)
    hub.flush()
    assert hub.keys.get(key.id).last_used_at == first


def test_a_session_is_proved_by_its_secret(hub):
    """Only with id and secret; neither is in the store in clear."""
    session, secret = hub.sessions.begin(WHO, DAY, agent="Browser\n1")
    assert hub.sessions.accept(session.id, secret).owner == "u1"
    assert secret not in str(hub.store.get("sessions", session.id))
    for id, shown in ((session.id, "x"), ("x", secret), (session.id, ""), ("gr\u00fcn", secret)):
        with pytest.raises(TokenInvalid):
            hub.sessions.accept(id, shown)


def test_a_new_sign_in_ends_the_session_before(hub):
    """What a browser had before it signed in is worth nothing afterwards (session fixation)."""
    before, secret = hub.sessions.begin(WHO, DAY)
    after, _ = hub.sessions.begin(WHO, DAY, before=before.id)
    assert after.id != before.id
    with pytest.raises(TokenInvalid):
        hub.sessions.accept(before.id, secret)


def test_a_session_ends_by_itself(hub, monkeypatch):
    """After its lifetime it has expired and is not listed; the next sign-in deletes it."""
    session, secret = hub.sessions.begin(WHO, timedelta(microseconds=1))
    monkeypatch.setattr(sessions, "utc_now", lambda: session.expires_at + timedelta(microseconds=1))
    with pytest.raises(TokenExpired):
        hub.sessions.accept(session.id, secret)
    assert hub.sessions.list() == []
    hub.sessions.begin(WHO, DAY)
    assert hub.store.get("sessions", session.id) is None


def test_renewing_takes_each_secret_once(hub):
    """A secret that was used before ends the whole family, the newest included, and leaves an entry."""
    session, first = hub.sessions.begin(WHO, DAY, kind="tokens")
    _, second = hub.sessions.renew(session.id, first, DAY)
    _, third = hub.sessions.renew(session.id, second, DAY)
    with pytest.raises(TokenInvalid):
        hub.sessions.renew(session.id, second, DAY)
    with pytest.raises(TokenInvalid):
        hub.sessions.renew(session.id, third, DAY)
    assert [entry.action for entry in hub.audit.every()] == ["auth.sign_in", "auth.reuse"]


def test_signing_out_everywhere(hub):
    """One owner's sessions, or all; the number is told."""
    other = Identity(Kind.USER, "u2", "bob")
    for who in (WHO, WHO, other):
        hub.sessions.begin(who, DAY)
    assert hub.sessions.end_all("u1") == 2
    assert [session.owner for session in hub.sessions.list()] == ["u2"]
    assert hub.sessions.end_all() == 1
