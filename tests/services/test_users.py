"""Users: names, passwords, lockout, and what signs somebody out."""

from datetime import timedelta

import pytest

from claudia_core import Claudia
from claudia_core.errors import Conflict, InvalidValue, NotFound, RateLimited, TooLarge, Unauthenticated
from claudia_core.model.identity import Scope
from claudia_core.model.times import utc_now
from claudia_core.services.access.attempts import FREE, pause
from claudia_core.stores.memory import MemoryStore
from claudia_core.testing.clock import FakeClock

PASSWORD = "four random words here"


@pytest.fixture
def clock():
    return FakeClock(utc_now())


@pytest.fixture
def hub(clock):
    with Claudia(store=MemoryStore(clock=clock), display="off") as hub:
        yield hub


def test_a_user_signs_in_with_the_password(hub):
    """The name's case does not matter; the hash is kept and the password is nowhere."""
    user = hub.users.add("Ann", PASSWORD, scope="operator", projects=["etl", "etl"])
    assert hub.users.sign_in("ann", PASSWORD).id == user.id
    kept = hub.store.get("users", user.id)
    assert kept["password_hash"].startswith("$argon2id$")
    assert PASSWORD not in str(kept)
    assert (user.scope, user.projects) == (Scope.OPERATOR, ("etl",))
    assert "argon2" not in repr(user)
    assert not {"password_hash", "subject"} & set(user.to_public())


@pytest.mark.parametrize("name", ["Nobody", "Ann", "Off", "Without"])
def test_refusals_do_not_tell_which_names_exist(hub, name):
    """A stranger's name, a wrong password, a disabled user and one without a password get the same words."""
    hub.users.add("Ann", PASSWORD)
    hub.users.change(hub.users.add("Off", PASSWORD).id, enabled=False)
    hub.users.add("Without")
    with pytest.raises(Unauthenticated) as caught:
        hub.users.sign_in(name, PASSWORD if name == "Off" else "a wrong password")
    assert caught.value.message == "the name or the password is not right"


@pytest.mark.parametrize("name", ["ann", "nobody"])
def test_wrong_passwords_lock_a_name_with_back_off(hub, clock, name):
    """Five tries are free, then each waits twice as long, for unknown names too; the right password waits as well."""
    hub.users.add("ann", PASSWORD)
    for _ in range(FREE):
        with pytest.raises(Unauthenticated):
            hub.users.sign_in(name, "a wrong password")
    with pytest.raises(RateLimited) as caught:
        hub.users.sign_in(name, PASSWORD)
    assert caught.value.retry_after == pytest.approx(2, abs=0.1)
    clock.move(2.1)
    with pytest.raises(Unauthenticated):
        hub.users.sign_in(name, "a wrong password")
    with pytest.raises(RateLimited) as caught:
        hub.users.sign_in(name, PASSWORD)
    assert caught.value.retry_after == pytest.approx(4, abs=0.1)


def test_a_success_ends_the_back_off(hub, clock):
    """After signing in, five tries are free again; so after a new password."""
    user = hub.users.add("ann", PASSWORD)
    for _ in range(FREE):
        with pytest.raises(Unauthenticated):
            hub.users.sign_in("ann", "a wrong password")
    hub.users.change(user.id, password="another good password")
    assert hub.users.sign_in("ann", "another good password").id == user.id
    for _ in range(FREE):
        with pytest.raises(Unauthenticated):
            hub.users.sign_in("ann", "a wrong password")


def test_the_pause_grows_to_a_quarter_of_an_hour():
    """0 before the fifth failure, then 2, 4, 8 seconds, at most 900."""
    assert [pause(n).total_seconds() for n in (1, 4, 5, 6, 7, 50)] == [0, 0, 2, 4, 8, 900]


@pytest.mark.parametrize("password", ["", "short", "x" * 1_001, "ann ann ann"])
def test_weak_passwords_are_refused(hub, password):
    """Too short, too long, or the name; the message does not repeat it."""
    with pytest.raises(InvalidValue) as caught:
        hub.users.add("Ann Ann Ann", password)
    assert caught.value.field == "password"
    assert password == "" or password not in str(caught.value)


@pytest.mark.parametrize("name", ["", " ann", "a\nb", "a" * 101, "a\x00b"])
def test_bad_names_are_refused(hub, name):
    """Empty, with spaces around, with line breaks, too long or with control characters."""
    with pytest.raises((InvalidValue, TooLarge)):
        hub.users.add(name, PASSWORD)


def test_a_name_is_given_once(hub):
    """Another case of the same name is the same name."""
    hub.users.add("Ann", PASSWORD)
    with pytest.raises(Conflict):
        hub.users.add("ANN", PASSWORD)


@pytest.mark.parametrize("change", [{"enabled": False}, {"password": "another good password"}, None])
def test_what_takes_a_users_access_ends_their_sessions(hub, change):
    """Disabled, given a new password or removed: signed out everywhere, and nobody else is."""
    user, other = hub.users.add("ann", PASSWORD), hub.users.add("bob", PASSWORD)
    for each in (user, user, other):
        hub.sessions.begin(each.identity("password"), timedelta(days=1))
    before = hub.revisions.number
    if change is None:
        hub.users.remove(user.id)
    else:
        hub.users.change(user.id, **change)
    assert [session.name for session in hub.sessions.list()] == ["bob"]
    assert hub.revisions.number > before


def test_an_arrival_is_the_same_user_each_time(hub):
    """Known by issuer and subject, not by name; scope and projects follow the provider, a disabled one stays out."""
    first = hub.users.arrive("https://id.example", "7", "ann", scope="viewer")
    again = hub.users.arrive("https://id.example", "7", "ann renamed", scope="operator", projects=["etl"])
    assert (first.id, again.scope, again.projects) == (again.id, Scope.OPERATOR, ("etl",))
    noted = hub.audit.list(subject=first.id, order="id").entries
    hub.users.arrive("https://id.example", "7", "ann", scope="operator", projects=["etl"])
    assert [entry.action for entry in noted] == ["users.add", "users.change"]
    assert noted[1].details["scope"] == "operator"
    assert noted == hub.audit.list(subject=first.id, order="id").entries
    other = hub.users.arrive("https://other.example", "7", "ann")
    assert (other.id != first.id, other.name) == (True, "ann 2")
    hub.users.change(first.id, enabled=False)
    with pytest.raises(Unauthenticated):
        hub.users.arrive("https://id.example", "7", "ann")


def test_an_arrival_takes_over_nobody(hub):
    """A provider's user with the name of one who is here becomes somebody else."""
    here = hub.users.add("admin", PASSWORD, scope="admin")
    assert hub.users.arrive("https://id.example", "9", "Admin").id != here.id
    with pytest.raises(Unauthenticated):
        hub.users.sign_in("Admin 2", "")


def test_changes_are_in_the_audit_log_without_secrets(hub):
    """Adding, changing, removing and a refused sign-in each leave an entry; no password and no hash is in it."""
    user = hub.users.add("ann", PASSWORD)
    hub.users.change(user.id, scope="admin", password="another good password")
    with pytest.raises(Unauthenticated):
        hub.users.sign_in("ann", "a wrong password")
    hub.users.remove(user.id)
    entries = list(hub.audit.every(subject=user.id))
    assert [entry.action for entry in entries] == ["users.add", "users.change", "auth.refused", "users.remove"]
    assert entries[1].details == {"name": "ann", "scope": "admin", "password": "changed"}
    text = str([entry.to_document() for entry in entries])
    assert not any(secret in text for secret in (PASSWORD, "another good", "a wrong", "argon2"))


def test_unknown_users_are_not_found(hub):
    """By id and by name."""
    for call in (lambda: hub.users.get("x"), lambda: hub.users.named("x"), lambda: hub.users.remove("x")):
        with pytest.raises(NotFound):
            call()
    assert not hub.users.can_sign_in()
