"""JSON Web Tokens (RFC 7519): access tokens that let in, refresh tokens that get new ones, never one for the other."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from claudia_core.api.access.signing import ACCESS, REFRESH, SigningKey
from claudia_core.errors import AccessDenied, InvalidValue, MissingExtra, TokenExpired, TokenInvalid, Unauthenticated

try:
    from joserfc import jwt
    from joserfc.errors import ExpiredTokenError, JoseError
    from joserfc.jwk import KeySet, OctKey
except ImportError as error:
    raise MissingExtra("tokens need joserfc", hint="pip install 'claudia-core[auth]'") from error

ALGORITHM = "HS256"
"""The only one that is accepted: what a token says about its algorithm is not believed."""

ISSUER = "claudia"
TYPES = {ACCESS: "at+jwt", REFRESH: "rt+jwt"}
"""Header `typ` (RFC 9068); the audience is `claudia:access` and `claudia:refresh`."""

LEEWAY = 30
"""Seconds by which clocks may differ."""

LONGEST = 8_000
"""Most characters of a token that is looked at."""

UNITS = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400}


class Tokens(NamedTuple):
    """A pair. The first lets in for a while; the second gets the next pair, once."""

    access_token: str
    refresh_token: str


class AuthService:
    """Makes tokens and checks them.

    Args:
        secret: 32 characters or more; or a function that gives keys, of which the first signs.
        expires_in: how long an access token is good: seconds, or such as `15m`, `1h`, `7d`.
        refresh_expires_in: the same for refresh tokens.
        leeway: seconds by which clocks may differ.

    Raises:
        InvalidValue: the secret is too short, or a time cannot be read.
    """

    def __init__(
        self,
        secret: str | Callable[[], Sequence[SigningKey]],
        *,
        expires_in: float | str = "1h",
        refresh_expires_in: float | str = "7d",
        leeway: int = LEEWAY,
    ) -> None:
        if isinstance(secret, str):
            if len(secret) < 32:
                raise InvalidValue("the secret is shorter than 32 characters", field="secret")
            given = [SigningKey.of(secret)]
            self._keys: Callable[[], Sequence[SigningKey]] = lambda: given
        else:
            self._keys = secret
        self.seconds = {ACCESS: seconds(expires_in), REFRESH: seconds(refresh_expires_in)}
        self._leeway = leeway

    def generate_tokens(self, payload: Mapping[str, Any]) -> Tokens:
        """A pair with these claims, such as `sub`. Names of the RFC that are set here (`exp`, `aud`, ...) win."""
        return Tokens(self.sign(payload, ACCESS), self.sign(payload, REFRESH))

    def sign(self, payload: Mapping[str, Any], kind: str) -> str:
        """One token of a kind, `access` or `refresh`."""
        key, now = self._keys()[0], int(time.time())
        header = {"alg": ALGORITHM, "kid": key.kid, "typ": TYPES[kind]}
        fixed = {
            "iss": ISSUER,
            "aud": f"{ISSUER}:{kind}",
            "iat": now,
            "exp": now + int(self.seconds[kind]),
            "jti": payload.get("jti") or secrets.token_urlsafe(12),
        }
        return jwt.encode(header, {**payload, **fixed}, _imported(key), algorithms=[ALGORITHM])

    def verify(self, token: str, kind: str = ACCESS) -> dict[str, Any]:
        """The claims of a token of that kind.

        Raises:
            TokenExpired: it was right, and its time is over.
            TokenInvalid: it is forged, of the other kind, of another issuer, or no token.
        """
        if len(token) > LONGEST:
            raise _invalid("it is too long")
        try:
            found = jwt.decode(token, KeySet([_imported(key) for key in self._keys()]), algorithms=[ALGORITHM])
            if found.header.get("typ") != TYPES[kind]:
                raise _invalid(f"it is no {kind} token")
            _rules(kind, self._leeway).validate(found.claims)
        except ExpiredTokenError as error:
            hint = "get a new one at /api/v1/auth/refresh" if kind == ACCESS else "sign in again"
            raise TokenExpired("the token has expired", hint=hint) from error
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise _invalid("its signature or a claim is not right") from error
        return found.claims

    def extract_token(self, request: HTTPConnection) -> str | None:
        """The token after `Authorization: Bearer`; None without one."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return token.strip() or None if scheme.lower() == "bearer" else None

    def authenticate(self) -> Callable[[HTTPConnection], Awaitable[dict[str, Any]]]:
        """A FastAPI dependency: `Depends(auth.authenticate())` gives the claims, also as `request.state.user`.

        Any application answers with 401 and the reason where no token was sent, or one that `verify` refuses.
        """

        async def dependency(request: HTTPConnection) -> dict[str, Any]:
            try:
                claims = request.state.user = self._claims(request)
            except AccessDenied as error:
                raise HTTPException(401, str(error), {"WWW-Authenticate": "Bearer"}) from error
            return claims

        return dependency

    def _claims(self, request: HTTPConnection) -> dict[str, Any]:
        token = self.extract_token(request)
        if token is None:
            raise Unauthenticated("no token was sent", hint="send Authorization: Bearer TOKEN")
        return self.verify(token)


def seconds(duration: float | str) -> float:
    """Seconds of a duration such as `900`, `15m`, `1h` or `7d`.

    Raises:
        InvalidValue: it is none, or not above 0.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", str(duration))
    found = float(match[1]) * UNITS[match[2]] if match else 0.0
    if not 0 < found <= 315_360_000:
        raise InvalidValue(f"{duration!r:.80} is no duration", field="expires_in", hint="such as 900, 15m, 1h or 7d")
    return found


def _imported(key: SigningKey) -> OctKey:
    return OctKey.import_key(key.secret, {"kid": key.kid, "alg": ALGORITHM, "use": "sig"})


def _rules(kind: str, leeway: int) -> jwt.JWTClaimsRegistry:
    return jwt.JWTClaimsRegistry(
        leeway=leeway,
        iss={"essential": True, "value": ISSUER},
        aud={"essential": True, "value": f"{ISSUER}:{kind}"},
        exp={"essential": True},
        iat={"essential": True},
    )


def _invalid(why: str) -> TokenInvalid:
    return TokenInvalid(f"the token is not valid: {why}", hint="sign in again")
