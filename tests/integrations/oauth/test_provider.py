"""OAuthProvider and OpenIDProvider: against a real provider, and against one that lies."""

import base64
import hashlib
import hmac
import json
import time
from urllib.parse import parse_qs, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from claudia_core.errors import ProviderRefused, SettingsError
from claudia_core.integrations.oauth import GitHub, OAuthProvider, OpenIDProvider
from tests.integrations.oauth.provider import agree, liar, provider_process

BACK = "http://127.0.0.1:5006/login/oidc/callback"
SCOPES = ["openid", "email", "profile"]


@pytest.fixture(scope="module")
def issuer():
    with provider_process() as running:
        yield running


@pytest.fixture
def lying():
    with liar() as running:
        yield running


def signed_in(provider, told, **claims):
    """A whole sign-in at the liar, whose id token says `claims`."""
    request = provider.authorization_request(SCOPES)
    told.nonce = request.nonce
    told.claims = claims
    return provider.identify(provider.exchange("code", request), request)


def refused(provider, told, match, **claims):
    with pytest.raises(ProviderRefused, match=match) as caught:
        signed_in(provider, told, **claims)
    assert "eyJ" not in str(caught.value)


# --- a real provider ------------------------------------------------------------------------------------------------


def test_the_way_through_a_real_provider(issuer):
    """Discovery, agreement, code, tokens, identity with a verified address and groups, and a refresh."""
    provider = OpenIDProvider(issuer, "me", "secret", BACK)
    request = provider.authorization_request(SCOPES)
    back = agree(request.url, "ada@example.org")
    request.require_state(back["state"])
    provider.require_issuer(back.get("iss"))
    tokens = provider.exchange(back["code"], request)
    claims = provider.identify(tokens, request)
    assert (claims.issuer, claims.subject, claims.username) == (issuer, "ada@example.org", "ada")
    assert (claims.email, claims.groups) == ("ada@example.org", frozenset({"sre"}))
    renewed = provider.refresh(tokens)
    assert renewed.access_token != tokens.access_token
    assert renewed.refresh_token is not None


def test_an_address_that_is_not_verified_is_none(issuer):
    """Somebody who only claims an address at the provider does not get it."""
    provider = OpenIDProvider(issuer, "me", "secret", BACK)
    request = provider.authorization_request(SCOPES)
    tokens = provider.exchange(agree(request.url, "eve@evil.example")["code"], request)
    assert provider.identify(tokens, request).email == ""


def test_a_code_is_good_once(issuer):
    """The provider refuses a code that comes again, and the refusal names no code."""
    provider = OpenIDProvider(issuer, "me", "secret", BACK)
    request = provider.authorization_request(SCOPES)
    code = agree(request.url, "ada@example.org")["code"]
    provider.exchange(code, request)
    with pytest.raises(ProviderRefused, match="invalid_grant") as caught:
        provider.exchange(code, request)
    assert code not in str(caught.value)


def test_another_trips_nonce_is_refused(issuer):
    """Tokens of one trip do not identify anybody on another."""
    provider = OpenIDProvider(issuer, "me", "secret", BACK)
    request, other = provider.authorization_request(SCOPES), provider.authorization_request(SCOPES)
    tokens = provider.exchange(agree(request.url, "ada@example.org")["code"], request)
    with pytest.raises(ProviderRefused, match="another sign-in"):
        provider.identify(tokens, other)


# --- the address ----------------------------------------------------------------------------------------------------


def test_the_address_holds_state_nonce_and_challenge():
    """The challenge is the SHA-256 of the verifier, which is not in the address; each trip has its own of all."""
    provider = OAuthProvider("me", "secret", BACK, "https://idp.example/auth?tenant=1", "https://idp.example/token")
    first, second = provider.authorization_request(["openid", "email"]), provider.authorization_request(["openid"])
    asked = {name: values[0] for name, values in parse_qs(urlsplit(first.url).query).items()}
    challenge = base64.urlsafe_b64encode(hashlib.sha256(first.verifier.encode()).digest()).rstrip(b"=").decode()
    assert asked == {
        "tenant": "1",
        "response_type": "code",
        "client_id": "me",
        "redirect_uri": BACK,
        "scope": "openid email",
        "state": first.state,
        "nonce": first.nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    assert first.verifier not in first.url
    assert 43 <= len(first.verifier) <= 128
    assert len({first.state, second.state, first.nonce, second.nonce, first.verifier, second.verifier}) == 6
    assert first.verifier not in repr(first)


def test_another_state_is_refused():
    """Also an empty one, and one that is not ASCII."""
    request = GitHub("me", "s", BACK).authorization_request()
    request.require_state(request.state)
    for state in ("", "x", request.state + "x", "gr\u00fcn", "\ud800"):
        with pytest.raises(ProviderRefused, match="state"):
            request.require_state(state)


@pytest.mark.parametrize(
    "url",
    [
        "http://idp.example/x",
        "ftp://idp.example",
        "https://",
        "//idp.example",
        "https://a@idp.example",
        "https://x#y",
        "https://[x",
        "file:///etc/passwd",
        "http://127.0.0.1.evil.example/",
    ],
)
def test_addresses_are_https_or_this_machine(url):
    """A provider's address in the clear, or none at all, is refused at once."""
    with pytest.raises(SettingsError, match="https://HOST"):
        OAuthProvider("me", "secret", BACK, url, "https://idp.example/token")


# --- a provider that lies -------------------------------------------------------------------------------------------


@pytest.fixture
def provider(lying):
    return OpenIDProvider(lying.issuer, "me", "secret", BACK)


def test_the_liar_tells_the_truth_first(lying, provider):
    """What follows is refused for its lie alone."""
    assert signed_in(provider, lying).subject == "1"


@pytest.mark.parametrize(
    ("claims", "match"),
    [
        ({"iss": "http://other.example"}, "another issuer"),
        ({"iss": None}, "another issuer"),
        ({"aud": "you"}, "another program"),
        ({"aud": ["you", "them"]}, "another program"),
        ({"aud": ["me", "you"]}, "another program"),
        ({"aud": ["me", "you"], "azp": "you"}, "another program"),
        ({"aud": None}, "another program"),
        ({"azp": "you"}, "another program"),
        ({"nonce": "other"}, "another sign-in"),
        ({"nonce": None}, "another sign-in"),
        ({"nonce": 1}, "another sign-in"),
        ({"exp": 1}, "expired"),
        ({"exp": None}, "times"),
        ({"exp": "never"}, "times"),
        ({"exp": True}, "times"),
        ({"iat": None}, "times"),
        ({"iat": 1}, "just now"),
        ({"iat": 9_999_999_999, "exp": 9_999_999_999}, "just now"),
        ({"nbf": 9_999_999_999}, "not good yet"),
        ({"sub": None}, "somebody else"),
        ({"sub": ""}, "somebody else"),
        ({"sub": 7}, "somebody else"),
        ({"sub": "2"}, "somebody else"),
    ],
    ids=str,
)  # fmt: skip
def test_claims_that_are_not_right(lying, provider, claims, match):
    """Issuer, audience, authorised party, nonce, times and subject: each alone is enough to refuse."""
    refused(provider, lying, match, **claims)


def test_a_token_for_several_with_us_as_its_party_is_good(lying, provider):
    """Several audiences are fine where `azp` says that it was made for us."""
    assert signed_in(provider, lying, aud=["you", "me"], azp="me").subject == "1"


def b64(value):
    return base64.urlsafe_b64encode(value if isinstance(value, bytes) else json.dumps(value).encode()).rstrip(b"=")


def told(lying, nonce):
    now = int(time.time())
    return {"iss": lying.issuer, "aud": "me", "sub": "1", "iat": now, "exp": now + 60, "nonce": nonce}


def forged(lying, nonce):
    """Tokens that say the right things and are not the provider's."""
    claims = told(lying, nonce)
    public = lying.keys[0].as_pem(private=False)
    none = b64({"alg": "none"}) + b"." + b64(claims) + b"."
    yield "none", none.decode()
    head = b64({"alg": "HS256", "kid": "one"}) + b"." + b64(claims)
    yield "public key as secret", (head + b"." + b64(hmac.digest(public, head, "sha256"))).decode()
    yield "client secret", (head + b"." + b64(hmac.digest(b"secret", head, "sha256"))).decode()
    stranger = RSAKey.generate_key(2048, {"kid": "one"})
    yield "another key of that name", jwt.encode({"alg": "RS256", "kid": "one"}, claims, stranger)
    header = {"alg": "RS256", "kid": "two", "jwk": stranger.as_dict(private=False)}
    yield "brings its own key", (b64(header) + b"." + b64(claims) + b"." + b64(b"x" * 256)).decode()
    head, _, signature = lying.id_token().split(".")
    yield "another content", ".".join((head, b64({**claims, "sub": "admin"}).decode(), signature))
    yield "no signature", ".".join((head, b64(claims).decode(), ""))
    yield "nothing", "eyJ"
    yield "dots", "..."
    yield "encrypted", "a.b.c.d.e"


def test_forged_tokens(lying, provider):
    """`none`, HMAC with the public key or the client's secret, other keys, changed content: all are refused."""
    request = provider.authorization_request(SCOPES)
    lying.nonce = request.nonce
    tried = 0
    for what, token in forged(lying, request.nonce):
        lying.token = token
        with pytest.raises(ProviderRefused, match="id token"):
            pytest.fail(f"{what}: {provider.identify(provider.exchange('code', request), request)}")
        tried += 1
    assert tried == 10


def test_keys_are_looked_for_again_when_they_change(lying, provider, monkeypatch):
    """A new key is found at once when the last look is a while ago; forged tokens do not make us ask all the time."""
    assert signed_in(provider, lying).subject == "1"
    lying.keys = [RSAKey.generate_key(2048, {"kid": "two", "use": "sig"})]
    looks = lambda: sum(path == "/keys" for path, _, _ in lying.asked)  # noqa: E731
    before = looks()
    for _ in range(3):
        refused(provider, lying, "id token")
    assert looks() == before
    monkeypatch.setattr("claudia_core.integrations.oauth.oidc.KEYS_AGAIN", 0.0)
    assert signed_in(provider, lying).subject == "1"
    assert looks() == before + 1


def test_a_withdrawn_key_is_forgotten(lying, provider, monkeypatch):
    """Keys are read anew from time to time, so that a withdrawn one is not believed for ever."""
    signed_in(provider, lying)
    old = lying.keys[0]
    lying.keys = [RSAKey.generate_key(2048, {"kid": "two", "use": "sig"})]
    monkeypatch.setattr("claudia_core.integrations.oauth.oidc.KEYS_KEPT", 0.0)
    request = provider.authorization_request(SCOPES)
    lying.token = jwt.encode({"alg": "RS256", "kid": "one"}, told(lying, request.nonce), old)
    with pytest.raises(ProviderRefused, match="id token"):
        provider.identify(provider.exchange("code", request), request)


def test_userinfo_fills_in_and_never_overrides(lying, provider):
    """The signed token wins over what is told on the way."""
    lying.userinfo = {"email": "a@example.org", "email_verified": True, "groups": ["sre"], "iss": "x", "name": "B"}
    claims = signed_in(provider, lying, name="A")
    assert (claims.email, claims.groups, claims.name) == ("a@example.org", frozenset({"sre"}), "A")


@pytest.mark.parametrize(
    "metadata",
    [{"issuer": "http://other.example"}, {"issuer": None}, {"token_endpoint": None}, {"jwks_uri": 3}],
)
def test_discovery_of_somebody_else(lying, metadata):
    """What calls itself otherwise than it was asked for, or lacks an address, is not used."""
    lying.metadata = metadata
    with pytest.raises(ProviderRefused):
        OpenIDProvider(lying.issuer, "me", "secret", BACK)


def test_discovery_does_not_lead_to_plain_http(lying):
    """A discovered address in the clear is refused like a configured one."""
    lying.metadata = {"token_endpoint": "http://idp.example/token"}
    with pytest.raises(SettingsError, match="token_url"):
        OpenIDProvider(lying.issuer, "me", "secret", BACK)


def test_the_issuer_of_a_return(lying):
    """A provider that announces `iss` must send it; a wrong one is refused whether announced or not (RFC 9207)."""
    plain = OpenIDProvider(lying.issuer, "me", "secret", BACK)
    plain.require_issuer(None)
    plain.require_issuer(lying.issuer)
    with pytest.raises(ProviderRefused, match="another provider"):
        plain.require_issuer("http://other.example")
    lying.metadata = {"authorization_response_iss_parameter_supported": True}
    with pytest.raises(ProviderRefused, match="another provider"):
        OpenIDProvider(lying.issuer, "me", "secret", BACK).require_issuer(None)


def test_a_provider_that_says_no_subject(lying):
    """Where nothing names anybody there is nobody."""
    lying.metadata = {"userinfo_endpoint": None}
    provider = OpenIDProvider(lying.issuer, "me", "secret", BACK)
    for sub in (None, "", 7, "x" * 256):
        refused(provider, lying, "no sub", sub=sub)
