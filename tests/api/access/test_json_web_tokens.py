"""Tokens: what is forged, swapped, expired, replayed or revoked lets nobody in."""

import base64
import hashlib
import hmac
import json
import time
from typing import Annotated

import pytest
from fastapi import Depends, FastAPI
from starlette.testclient import TestClient

from claudia_core import Claudia
from claudia_core.api import problems
from claudia_core.api.access import auth_service
from claudia_core.api.access.auth_service import AuthService
from claudia_core.api.access.signing import SigningKeys
from claudia_core.errors import InvalidValue, SettingsError, TokenExpired, TokenInvalid
from claudia_core.settings import default_settings

SECRET = "a secret of more than thirty-two characters"


@pytest.fixture
def service():
    return AuthService(SECRET)


def part(document):
    return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


def parts(token):
    return [json.loads(base64.urlsafe_b64decode(text + "==")) for text in token.split(".")[:2]]


def signed(header, claims, secret=SECRET, digest=hashlib.sha256):
    text = f"{part(header)}.{part(claims)}"
    mac = hmac.new(secret.encode(), text.encode(), digest).digest()
    return f"{text}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def test_a_pair_is_of_two_kinds(service):
    """Access and refresh tokens differ in type and audience, and bring back what was put in."""
    pair = service.generate_tokens({"sub": "u1", "role": "x"})
    access, refresh = service.verify(pair.access_token), service.verify(pair.refresh_token, "refresh")
    assert (access["sub"], access["role"], access["aud"]) == ("u1", "x", "claudia:access")
    assert (refresh["aud"], refresh["exp"] - refresh["iat"]) == ("claudia:refresh", 7 * 86_400)
    assert [parts(token)[0]["typ"] for token in pair] == ["at+jwt", "rt+jwt"]
    assert access["exp"] - access["iat"] == 3_600


def test_one_is_not_taken_for_the_other(service):
    """A refresh token does not let in, an access token gets no new pair; nor does one whose header was changed."""
    pair = service.generate_tokens({"sub": "u1"})
    for token, kind in ((pair.refresh_token, "access"), (pair.access_token, "refresh")):
        with pytest.raises(TokenInvalid):
            service.verify(token, kind)
    header, claims = parts(pair.refresh_token)
    with pytest.raises(TokenInvalid):
        service.verify(signed({**header, "typ": "at+jwt"}, claims))


def test_forged_tokens_are_refused(service):
    """Without algorithm, with another, with another secret, with changed claims, without claims that must be there."""
    header, claims = parts(service.generate_tokens({"sub": "u1"}).access_token)
    good = signed(header, claims)
    assert service.verify(good)["sub"] == "u1"
    none = {**header, "alg": "none"}
    forged = [
        f"{part(none)}.{part(claims)}.",
        f"{part({**none, 'alg': 'None'})}.{part(claims)}.",
        signed(none, claims),
        signed({**header, "alg": "HS512"}, claims, digest=hashlib.sha512),
        signed({**header, "alg": "RS256"}, claims),
        signed({**header, "alg": "Ed25519"}, claims),
        signed(header, claims, secret="x" * 40),
        signed({**header, "jwk": {"kty": "oct", "k": "eHh4"}}, claims, secret="xxx"),
        signed({**header, "kid": "../../dev/null"}, claims, secret=""),
        f"{good.split('.')[0]}.{part({**claims, 'sub': 'admin'})}.{good.split('.')[2]}",
        signed(header, {**claims, "aud": "claudia:refresh"}),
        signed(header, {**claims, "iss": "other"}),
        *(signed(header, {name: claims[name] for name in claims if name != gone}) for gone in ("exp", "aud", "iss")),
        signed(header, {**claims, "exp": "soon"}),
        signed(header, {**claims, "iat": int(time.time()) + 3_600}),
        good + "x",
        "",
        "a.b.c",
        "..",
        "\ud800.x.y",
        "x" * 10_000,
    ]
    for token in forged:
        with pytest.raises(TokenInvalid):
            service.verify(token)


def test_an_expired_token_says_so(service):
    """After its time, with half a minute of leeway for clocks that differ."""
    header, claims = parts(service.generate_tokens({}).access_token)
    now = int(time.time())
    assert service.verify(signed(header, {**claims, "exp": now - 20}))
    with pytest.raises(TokenExpired) as caught:
        service.verify(signed(header, {**claims, "exp": now - 60}))
    assert caught.value.code == "token_expired"


def test_durations_are_read():
    """Seconds, or such as the guide has them; nonsense and short secrets are refused."""
    assert [auth_service.seconds(text) for text in (900, "15m", "1h", "7d", "1.5h")] == [900, 900, 3600, 604_800, 5400]
    for text in ("", "soon", "-1h", "0", 0, "1w", "99999d"):
        with pytest.raises(InvalidValue):
            auth_service.seconds(text)
    with pytest.raises(InvalidValue):
        AuthService("short")


def test_the_dependency_answers_in_words(service):
    """`Depends(auth.authenticate())` gives the claims; without a token, or a wrong one, 401 says what is wrong."""
    app = FastAPI()
    with Claudia("memory://", display="off") as hub:
        problems.mount(app, hub)

        @app.get("/protected")
        async def protected(claims: Annotated[dict, Depends(service.authenticate())]) -> dict:
            return claims

        client = TestClient(app)
        pair = service.generate_tokens({"sub": "u1"})
        shown = {"Authorization": f"Bearer {pair.access_token}"}
        assert client.get("/protected", headers=shown).json()["sub"] == "u1"
        for headers, code in (
            ({}, "unauthenticated"),
            ({"Authorization": "Basic x"}, "unauthenticated"),
            ({"Authorization": f"Bearer {pair.refresh_token}"}, "token_invalid"),
        ):
            answer = client.get("/protected", headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (401, code)


def test_the_dependency_answers_in_any_application(service):
    """Without anything else of ours: 401 with the reason as FastAPI tells it, and the scheme that is wanted."""
    app = FastAPI()

    @app.get("/protected")
    async def protected(claims: Annotated[dict, Depends(service.authenticate())]) -> dict:
        return claims

    client = TestClient(app)
    for headers in ({}, {"Authorization": "Bearer forged"}):
        answer = client.get("/protected", headers=headers)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert "token" in answer.json()["detail"]
    pair = service.generate_tokens({"sub": "u1"})
    answer = client.get("/protected", headers={"Authorization": f"Bearer {pair.access_token}"})
    assert answer.json()["sub"] == "u1"


def test_keys_are_rotated_by_kid(tmp_path):
    """New tokens name the new key, older ones stay good; another process sees it at its next token."""
    settings, database = default_settings(), tmp_path / "hub.db"
    ours, theirs = SigningKeys(settings, database), SigningKeys(settings, database)
    service, elsewhere = AuthService(ours.usable), AuthService(theirs.usable)
    before = service.generate_tokens({"sub": "u1"}).access_token
    assert elsewhere.verify(before)["sub"] == "u1"
    ours.rotate()
    after = elsewhere.generate_tokens({"sub": "u1"}).access_token
    assert parts(after)[0]["kid"] != parts(before)[0]["kid"]
    assert service.verify(before)["sub"] == service.verify(after)["sub"] == "u1"


def test_an_old_key_goes_when_its_last_token_has_expired(tmp_path):
    """Counted from when it stopped signing."""
    keys = SigningKeys(default_settings(refresh_token_seconds=0.001), tmp_path / "hub.db")
    first = keys.usable()[0].kid
    keys.rotate()
    assert [key.kid for key in keys.usable()][1:] == [first]
    time.sleep(0.02)
    keys.rotate()
    assert first not in [key.kid for key in keys.usable()]


def test_a_secret_that_is_set_is_used():
    """`JWT_SECRET` signs, the one before is still accepted; rotating says what to set instead."""
    before = AuthService(SECRET).generate_tokens({"sub": "u1"}).access_token
    keys = SigningKeys(default_settings(jwt_secret="y" * 32, jwt_previous_secret=SECRET), None)
    service = AuthService(keys.usable)
    assert service.verify(before)["sub"] == "u1"
    with pytest.raises(TokenInvalid):
        AuthService(SECRET).verify(service.generate_tokens({}).access_token)
    with pytest.raises(SettingsError, match="JWT_PREVIOUS_SECRET"):
        keys.rotate()
    assert "y" * 32 not in repr(keys.usable())


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{", b'[{"kid":"a","k":"eHg=","made_at":"2026-01-01T00:00:00+00:00"}]']
)
def test_a_damaged_file_of_keys_is_an_error(tmp_path, content):
    """It is not replaced in silence; nor is one that others could read used."""
    file = tmp_path / "signing-keys"
    file.touch(0o600)
    file.write_bytes(content)
    with pytest.raises(SettingsError, match="signing-keys"):
        SigningKeys(default_settings(), tmp_path / "hub.db").usable()


def test_a_file_that_others_could_read_is_refused(tmp_path):
    """The message says what to do."""
    database = tmp_path / "hub.db"
    SigningKeys(default_settings(), database).usable()
    database.with_name("signing-keys").chmod(0o644)
    with pytest.raises(SettingsError, match="others can read it"):
        SigningKeys(default_settings(), database).usable()


def test_the_guides_variable_is_known(monkeypatch, tmp_path):
    """`JWT_SECRET` is `CLAUDIA_JWT_SECRET`, which wins; also from `.env`."""
    from claudia_core.settings import load_settings

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CLAUDIA_JWT_SECRET", raising=False)
    monkeypatch.setenv("JWT_SECRET", SECRET)
    assert load_settings().jwt_secret.get_secret_value() == SECRET
    monkeypatch.setenv("CLAUDIA_JWT_SECRET", "y" * 32)
    assert load_settings().jwt_secret.get_secret_value() == "y" * 32
    for name in ("JWT_SECRET", "CLAUDIA_JWT_SECRET"):
        monkeypatch.delenv(name)
    (tmp_path / ".env").write_text(f"JWT_SECRET={'z' * 32}\n")
    assert load_settings().jwt_secret.get_secret_value() == "z" * 32
    monkeypatch.setenv("JWT_SECRET", "too short")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert "too short" not in str(caught.value)
