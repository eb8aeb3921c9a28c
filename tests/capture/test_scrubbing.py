"""Secrets are taken out, whatever form they come in; everything else is left as it is."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claudia_core.capture.scrubbing import Scrubber
from claudia_core.capture.secrets import PLACEHOLDER, is_card, is_secret_name
from claudia_core.errors import InvalidValue

SCRUB = Scrubber()
S = PLACEHOLDER
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl"
PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAK\n-----END RSA PRIVATE KEY-----"

CORPUS = [
    ("password=hunter2 was refused", f"password={S} was refused"),
    ("{'password': 'hunter2', 'user': 'ann'}", f"{{'password': {S}, 'user': 'ann'}}"),
    ('{"api_key": "ab\\"cd", "n": 1}', f'{{"api_key": {S}, "n": 1}}'),
    ('"{\\"secret\\": \\"abc\\"}"', f'"{{\\"secret\\": {S}}}"'),
    ("password: b'raw\\x00bytes'", f"password: {S}"),
    ("Authorization: Bearer abcdef123", f"Authorization: {S}"),
    ("authorization: Basic dXNlcjpwYXNz", f"authorization: {S}"),
    ("Cookie: sid=abc; theme=dark\nAccept: */*", f"Cookie: {S}\nAccept: */*"),
    ("Set-Cookie: session=abc; HttpOnly", f"Set-Cookie: {S}"),
    ("sent Bearer 12345678abc to it", f"sent Bearer {S} to it"),
    ("postgres://me:hunter2@db:5432/x", f"postgres://{S}@db:5432/x"),
    ("https://ghp_token@host/repo", f"https://{S}@host/repo"),
    ("GET /x?access_token=abc&page=2", f"GET /x?access_token={S}&page=2"),
    ("GET /x?token%3Dabc&page=2", f"GET /x?token%3D{S}&page=2"),
    ("https://s3/x?X-Amz-Signature=deadbeef&a=1", f"https://s3/x?X-Amz-Signature={S}&a=1"),
    ("mysql --password hunter2 --host db", f"mysql --password {S} --host db"),
    ("run --api-key=abc now", f"run --api-key={S} now"),
    ("DB_PASSWORD=hunter2", f"DB_PASSWORD={S}"),
    ("AccountName=x;AccountKey=abc==;Suffix=y", f"AccountName=x;AccountKey={S};Suffix=y"),
    ("headers['X-Api-Key'] = 'abc'", f"headers['X-Api-Key'] = {S}"),
    ("key AKIAIOSFODNN7EXAMPLE is gone", f"key {S} is gone"),
    ("ghp_0123456789abcdefghijABCDEFGHIJ", S),
    ("xoxb-123456789-abcdef", S),
    ("sk_live_0123456789abcdef", S),
    ("AIzaSyA0123456789_abcdefghijklmnopqrst", S),
    (f"jwt {JWT}!", f"jwt {S}!"),
    (f"a\n{PEM}\nb", f"a\n{S}\nb"),
    ("a -----BEGIN PRIVATE KEY-----\ncut", f"a {S}"),
    ("paid with 4111 1111 1111 1111.", f"paid with {S}."),
    ("paid with 378282246310005", f"paid with {S}"),
    ("5555-5555-5555-4444", S),
]

HARMLESS = [
    "max_tokens=5 token_count: 7",
    "unexpected token: }",
    "KeyError: 'password'",
    "primary_key=5 sort_key: 3",
    "password: None",
    "the password is required",
    "basic authentication failed",
    "order 4111111111111112 is late",  # its check digit is wrong
    "at 1763871708123456789 ns",
    "https://example.com/a/b?page=2#top",
    "01932f3e-7b5a-7cc0-9c5d-1f2e3d4c5b6a",
    "author: Ann, keyboard: qwerty, mapping: {}",
]


@pytest.mark.parametrize(("text", "wanted"), CORPUS)
def test_secrets_are_taken_out_of_texts(text: str, wanted: str) -> None:
    """Names, forms, headers, URLs, commands, cards: the secret goes, what is around it stays."""
    assert SCRUB.text(text) == wanted
    assert SCRUB.text(wanted) == wanted


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_secret_stays(text: str) -> None:
    """A message that tells no secret is kept to the letter."""
    assert SCRUB.text(text) == text


@pytest.mark.parametrize(
    "name",
    ["password", "DB_PASSWORD", "userPassword", "x-api-key", "apiKey", "accessToken", "Set-Cookie", "Authorization",
     "session_id", "sessionid", "csrftoken", "client_secret", "card_number", "cvv", "pin", "sshKey", "credentials"],
)  # fmt: skip
def test_names_of_secrets(name: str) -> None:
    """A secret's name is known in any case and with any border between words."""
    assert is_secret_name(name)
    assert SCRUB.value({name: ["a", 1], "other": 1}) == {name: S, "other": 1}


@pytest.mark.parametrize(
    "name",
    ["max_tokens", "token_count", "primary_key", "key", "password_policy", "author", "session", "spin", "", "ключ"],
)
def test_names_that_only_look_like_it(name: str) -> None:
    """What is about secrets, or holds their letters, is none."""
    assert not is_secret_name(name)


def test_values_are_scrubbed_to_any_depth() -> None:
    """Objects, lists, pairs as headers come in, numbers of cards; what tells nothing stays."""
    given = {
        "a": [{"token": "x"}, {"deep": {"note": "pwd=abc"}}],
        "headers": [["cookie", "a=b"], ["accept", "*/*"]],
        "card": 4111111111111111,
        "secret": None,
        "password": "",
        "is_secret": True,
        "text with password=abc": 1,
    }
    assert SCRUB.value(given) == {
        "a": [{"token": S}, {"deep": {"note": f"pwd={S}"}}],
        "headers": [["cookie", S], ["accept", "*/*"]],
        "card": S,
        "secret": None,
        "password": "",
        "is_secret": True,
        f"text with password={S}": S,
    }


def test_source_stays_readable() -> None:
    """In code only literals are secrets; in a traceback that holds for the lines of source alone."""
    assert SCRUB.lines(["token = find(key)", "token = 'abc'", "x = 1"]) == [
        "token = find(key)",
        f"token = {S}",
        "x = 1",
    ]
    assert SCRUB.lines(['fail("password=hunter2", f"token={token}")']) == [f'fail("password={S}", f"token={{token}}")']
    trace = (
        "Traceback (most recent call last):\n"
        '  File "a.py", line 3, in run\n'
        "    login(password=secret_of(user))\n"
        "    ~~~~~^^^^^^^^^^^^^^^^^^^^^^^^^^\n"
        "ValueError: bad password=hunter2"
    )
    assert SCRUB.traceback(trace) == trace.replace("hunter2", S)


def test_own_rules() -> None:
    """Further names and forms; a rule that cannot be read is refused."""
    own = Scrubber(names=["Patient"], patterns=[r"\bEMP-\d+\b"])
    assert own.value({"patient_id": "p1", "note": "EMP-12 saw patient=p1", "id": 3}) == {
        "patient_id": S,
        "note": f"{S} saw patient={S}",
        "id": 3,
    }
    for bad in ("(", "a*", "x" * 1_001):
        with pytest.raises(InvalidValue, match="pattern"):
            Scrubber(patterns=[bad])


NOISE = st.text(st.characters(codec="utf-8"), max_size=40)
VALUE = st.from_regex(r"[A-Za-z0-9]{6,30}", fullmatch=True).filter(lambda text: text not in {"None", "null", "true"})
NAME = st.sampled_from(["password", "api_key", "client-secret", "ACCESS_TOKEN", "x-auth-token", "sessionId"])
QUOTE = st.sampled_from(["", "'", '"'])
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=20), inner, max_size=5),
    max_leaves=30,
)


@given(NOISE, NAME, st.sampled_from(["=", ": ", " = ", "=>", ":"]), QUOTE, VALUE, NOISE)
@settings(max_examples=300, deadline=None)
def test_a_planted_secret_never_survives(before: str, name: str, sign: str, quote: str, value: str, after: str) -> None:
    """Whatever stands around a secret, it is gone, and the rest of a second look changes nothing."""
    secret = f"Zq{value}9"
    text = f"{before}\n{name}{sign}{quote}{secret}{quote} {after}"
    scrubbed = SCRUB.text(text)
    assert secret not in scrubbed
    assert SCRUB.text(scrubbed) == scrubbed


@given(st.text(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_text_is_taken_and_a_second_look_changes_nothing(text: str) -> None:
    """Never an error, also for broken Unicode and control characters."""
    once = SCRUB.text(text)
    assert SCRUB.text(once) == once
    assert isinstance(SCRUB.traceback(text), str)


@given(JSON_VALUES, VALUE)
@settings(max_examples=200, deadline=None)
def test_values_keep_their_shape(value: Any, secret: str) -> None:
    """A JSON value stays one; what hides below a secret's name is gone."""
    found = SCRUB.value({"data": value, "password": {"deep": [secret, value]}})
    assert isinstance(found, dict)
    assert found["password"] == S
    assert type(found["data"]) is type(value) or found["data"] == S


@given(st.integers(0, 10**15 - 1))
def test_the_check_digit_decides(number: int) -> None:
    """Of the ten numbers that differ in their last digit exactly one is a card's."""
    assert sum(is_card(f"4{number:015d}"[:15] + str(digit)) for digit in range(10)) == 1


@pytest.mark.parametrize(
    "unit",
    ["1 ", "a", "password", "password=", "--", "'", "\\", "eyJ", "-----BEGIN PRIVATE KEY-----", "://", "token-",
     "basic ", "4", "key-", "password: \\'", "--token ", 'File "', "\n", "é=", "İ"],
)  # fmt: skip
def test_time_grows_with_the_length_and_no_faster(unit: str) -> None:
    """Texts made to be slow are not: a million characters take seconds at most, and what is cut is gone."""
    text = unit * (200_000 // len(unit))
    began = time.thread_time()  # what others on this machine do is no part of it
    SCRUB.text(text)
    SCRUB.traceback(text)
    assert time.thread_time() - began < 3
    assert len(SCRUB.text("x" * 2_000_000)) == 1_000_000


def test_deep_nesting_ends() -> None:
    """Below a hundred levels values are left out."""
    value: Any = "pwd=abc"
    for _ in range(1_000):
        value = [value]
    assert "abc" not in str(SCRUB.value(value))
