"""What secrets look like: the names they go by, the forms that services give them, and numbers of cards."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import pairwise

PLACEHOLDER = "[scrubbed]"
"""What stands where a secret was."""

WORDS = frozenset(
    (
        "password",
        "passwords",
        "passwd",
        "pwd",
        "passphrase",
        "passcode",
        "secret",
        "secrets",
        "token",
        "cookie",
        "cookies",
        "authorization",
        "credential",
        "credentials",
        "creds",
        "jwt",
        "bearer",
        "csrf",
        "xsrf",
        "cvv",
        "cvv2",
        "cvc",
        "ssn",
        "otp",
        "totp",
        "pin",
    )
)
"""Words that make the name they are part of a secret's name."""

KEY_OF = frozenset(
    (
        "api",
        "access",
        "secret",
        "private",
        "signing",
        "encryption",
        "ssh",
        "master",
        "account",
        "auth",
        "license",
        "session",
        "shared",
        "aes",
        "rsa",
        "hmac",
        "pgp",
        "gpg",
        "consumer",
        "subscription",
        "webhook",
    )
)
"""Words that make a `key` behind them a secret: `api_key` is one, `primary_key` is none."""

TOKENS_OF = frozenset(
    (
        "access",
        "refresh",
        "auth",
        "api",
        "bearer",
        "session",
        "device",
        "id",
    )
)
"""The same for `tokens`, which alone are what a model reads."""

HARMLESS = frozenset(
    (
        "count",
        "counts",
        "limit",
        "limits",
        "length",
        "type",
        "types",
        "size",
        "expiry",
        "expires",
        "expiration",
        "ttl",
        "policy",
        "url",
        "uri",
        "endpoint",
        "max",
        "min",
        "index",
        "field",
        "name",
        "names",
        "kind",
        "version",
        "updated",
        "created",
        "at",
        "age",
        "valid",
        "invalid",
        "error",
        "errors",
        "required",
        "missing",
    )
)
"""Last words of names that tell something about a secret without being one: `token_count`, `password_policy`."""

JOINED = (
    "password",
    "passwd",
    "secret",
    "apikey",
    "accesskey",
    "privatekey",
    "signingkey",
    "authtoken",
    "accesstoken",
    "refreshtoken",
    "sessiontoken",
    "sessionid",
    "setcookie",
    "authorization",
    "credential",
    "csrftoken",
    "xsrftoken",
    "cardnumber",
    "creditcard",
    "securitycode",
    "amzsignature",
    "googsignature",
    "accountkey",
    "sharedaccesssignature",
)
"""The same written without borders between words."""

STEMS = (
    "passw",
    "passphrase",
    "passcode",
    "pwd",
    "secret",
    "token",
    "cookie",
    "auth",
    "cred",
    "jwt",
    "bearer",
    "csrf",
    "xsrf",
    "cvv",
    "cvc",
    "ssn",
    "otp",
    "pin",
    "key",
    "sid",
    "session",
    "card",
    "securitycode",
    "signature",
)
"""Every secret's name holds one of these, in lower case: what texts are searched for."""


def any_of(words: Iterable[str]) -> str:
    """A regular expression for any of these words that tries one per character, where `a|b|c` tries all."""
    by_first: dict[str, set[str]] = {}
    for word in words:
        by_first.setdefault(word[:1], set()).add(word[1:])
    if "" in by_first:  # a word ends here: what is longer is found through it
        return ""
    parts = [re.escape(first) + any_of(rests) for first, rests in sorted(by_first.items())]
    return parts[0] if len(parts) == 1 else f"(?:{'|'.join(parts)})"


_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")


@lru_cache(8_192)
def is_secret_name(name: str) -> bool:
    """Whether what goes by this name is a secret: `db_password`, `X-Api-Key`, `accessToken`, but not `max_tokens`."""
    words = [word.lower() for word in _WORD.findall(name[:200])]
    if not words or words[-1] in HARMLESS:
        return False
    if not WORDS.isdisjoint(words) or words == ["auth"] or words == ["sid"]:
        return True
    pairs = set(pairwise(words))
    if any((first, "key") in pairs or (first, "keys") in pairs for first in KEY_OF):
        return True
    if (
        any((first, "tokens") in pairs for first in TOKENS_OF)
        or ("session", "id") in pairs
        or ("card", "number") in pairs
    ):
        return True
    joined = "".join(words)
    return any(part in joined for part in JOINED)


FORMS: Mapping[tuple[str, ...], re.Pattern[str]] = {
    ("AKIA",): re.compile(r"\bAKIA[0-9A-Z]{16}\b"),
    ("ASIA",): re.compile(r"\bASIA[0-9A-Z]{16}\b"),
    ("ghp_", "gho_", "ghu_", "ghs_", "ghr_"): re.compile(r"\bgh[pousr]_[A-Za-z0-9]{20,255}"),
    ("github_pat_",): re.compile(r"\bgithub_pat_[A-Za-z0-9_]{20,255}"),
    ("glpat-",): re.compile(r"\bglpat-[A-Za-z0-9_-]{16,255}"),
    ("xoxa-", "xoxb-", "xoxe-", "xoxo-", "xoxp-", "xoxr-", "xoxs-"): re.compile(r"\bxox[abeoprs]-[A-Za-z0-9-]{8,255}"),
    ("hooks.slack.com/",): re.compile(r"(?<=hooks\.slack\.com/)services/[A-Za-z0-9/_-]{8,255}"),
    ("AIza",): re.compile(r"\bAIza[0-9A-Za-z_-]{30,50}"),
    ("ya29.",): re.compile(r"\bya29\.[0-9A-Za-z_-]{20,500}"),
    ("k_live_",): re.compile(r"\b[sr]k_live_[0-9A-Za-z]{10,255}"),
    ("k_test_",): re.compile(r"\b[sr]k_test_[0-9A-Za-z]{10,255}"),
    ("whsec_",): re.compile(r"\bwhsec_[0-9A-Za-z+/=]{16,255}"),
    ("sk-",): re.compile(r"\bsk-[A-Za-z0-9_-]{20,255}"),
    ("SG.",): re.compile(r"\bSG\.[A-Za-z0-9_-]{16,64}\.[A-Za-z0-9_-]{16,128}"),
    ("key-",): re.compile(r"\bkey-[0-9a-f]{32}\b"),
    ("npm_",): re.compile(r"\bnpm_[A-Za-z0-9]{30,255}"),
    ("pypi-",): re.compile(r"\bpypi-[A-Za-z0-9_-]{40,500}"),
    ("hf_",): re.compile(r"\bhf_[A-Za-z0-9]{30,255}"),
    ("dop_v1_",): re.compile(r"\bdop_v1_[0-9a-f]{40,128}"),
    ("shpat_", "shpca_", "shppa_", "shpss_"): re.compile(r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32,64}"),
    ("eyJ",): re.compile(r"\beyJ[A-Za-z0-9_-]{5,8000}\.[A-Za-z0-9_-]{2,8000}(?:\.[A-Za-z0-9_-]{0,8000})?"),
}
"""Secrets that show what they are: forms by the texts of which they hold one."""

MARKS = re.compile(any_of(mark for marks in FORMS for mark in marks))
"""Where one of the forms may stand."""

USERINFO = re.compile(r"(?<=://)[^\s/@'\"<>]{1,500}@")
"""User and password in a URL, such as `postgres://me:hunter2@db/x`."""

SCHEME = re.compile(
    r"\b([Bb]earer|BEARER|[Bb]asic|BASIC|[Dd]igest|[Nn]egotiate)(\s{1,3}|%20)([A-Za-z0-9+/=._~:-]{8,8000})"
)
"""What stands behind `Authorization`, wherever it was copied to."""

_CARD = re.compile(r"\d(?<![\d.]\d)(?:[ -]?\d){12,18}+(?!\d)")
_ISSUERS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}|3[47]\d{13}"
    r"|3(?:0[0-5]|[689]\d)\d{11,16}|6(?:011|4[4-9]\d|5\d\d)\d{12,15}|35(?:2[89]|[3-8]\d)\d{12,15}|62\d{14,17}"
    r"|(?:50|5[6-9]|6[03-9])\d{11,17}"
)


_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----")
_END = re.compile(r"-----END [A-Z0-9 ]{0,60}-----")


def without_private_keys(text: str) -> str:
    """The text without private keys in PEM form; one without an end goes to the end of the text."""
    kept: list[str] = []
    done = 0
    while (begin := _BEGIN.search(text, done)) is not None:
        end = _END.search(text, begin.end())
        kept += [text[done : begin.start()], PLACEHOLDER]
        done = len(text) if end is None else end.end()
    return "".join([*kept, text[done:]])


def without_cards(text: str) -> str:
    """The text without numbers of payment cards: those of a known issuer whose check digit (Luhn) is right."""
    return _CARD.sub(lambda match: PLACEHOLDER if is_card(match[0]) else match[0], text)


def is_card(text: str) -> bool:
    """Whether these digits, perhaps with blanks or hyphens, are the number of a payment card."""
    digits = text.replace(" ", "").replace("-", "")
    return _ISSUERS.fullmatch(digits) is not None and _checks(digits)


def _checks(digits: str) -> bool:
    """The check of ISO/IEC 7812-1, known by its author Luhn."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0
