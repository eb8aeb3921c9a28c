"""Who of those that sign in elsewhere may do what: rules of the operator's, and nobody without one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from claudia_core.errors import InvalidValue
from claudia_core.model.identity import Scope, require_scope

PROVIDERS = ("github", "google", "oidc")
KINDS = ("id", "user", "email", "domain", "group", "anybody")
FORM = "PROVIDER:KIND:VALUE=SCOPE, such as github:group:acme=viewer"
MOST = 1_000


@dataclass(frozen=True, slots=True)
class Grant:
    """Whoever a provider knows by this has a scope.

    Args:
        provider: `github`, `google` or `oidc`.
        kind: `id` (never changes), `user` (a name: can change hands), `email` (verified), `domain` (of a verified
            email; for Google the organisation that vouches), `group`, or `anybody` who has an account there.
        value: compared without regard to case, except for ids and groups.
        scope: what they may do.
    """

    provider: str
    kind: str
    value: str
    scope: Scope

    def fits(self, provider: str, known: Iterable[tuple[str, str]]) -> bool:
        """Whether it is for somebody that the provider knows by these kinds and values."""
        return self.provider == provider and (self.kind == "anybody" or (self.kind, self.value) in set(known))


def parse_grants(text: str) -> tuple[Grant, ...]:
    """Rules between commas or line breaks.

    Raises:
        InvalidValue: one cannot be read.
    """
    rules = [rule.strip() for rule in text.replace("\n", ",").split(",") if rule.strip()]
    if len(rules) > MOST:
        raise InvalidValue(f"{len(rules)} rules, over the limit of {MOST}", field="sign_in_grants")
    return tuple(_grant(rule) for rule in rules)


def _grant(rule: str) -> Grant:
    subject, _, scope = rule.rpartition("=")
    provider, kind, value = ([part.strip() for part in subject.split(":", 2)] + ["", ""])[:3]
    if provider not in PROVIDERS or kind not in KINDS or bool(value) == (kind == "anybody"):
        raise InvalidValue(f"the rule {rule!r:.80} cannot be read", field="sign_in_grants", hint=f"use {FORM}")
    return Grant(provider, kind, folded(kind, value), require_scope(scope.strip(), "sign_in_grants"))


def folded(kind: str, value: str) -> str:
    """A value as it is compared."""
    return value if kind in ("id", "group") else value.casefold()


def granted(grants: Iterable[Grant], provider: str, known: Iterable[tuple[str, str]]) -> Scope | None:
    """The highest scope that any rule gives; None where none fits."""
    known = [(kind, folded(kind, value)) for kind, value in known if value]
    scopes = [grant.scope for grant in grants if grant.fits(provider, known)]
    return max(scopes, key=lambda scope: scope.rank, default=None)
