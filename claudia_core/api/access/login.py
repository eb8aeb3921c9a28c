"""Signing in and out: the page for people, and tokens for programs under `/api/v1/auth`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import parse_qsl

from anyio import to_thread
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from claudia_core.api import refusals
from claudia_core.api.access.access import Access
from claudia_core.api.access.browser import address_of, cookie_name, cookies, local_address, sign_in, sign_out
from claudia_core.api.access.signing import ACCESS, REFRESH
from claudia_core.app import Claudia
from claudia_core.errors import NotFound, RateLimited, TokenInvalid, TooLarge, Unauthenticated
from claudia_core.model.identity import Identity, acting_as, current
from claudia_core.model.session import TOKENS

FORM_LIMIT = 20_000
"""Most bytes of a form."""

Secret = Annotated[str, Field(max_length=8_000)]


class Credentials(BaseModel):
    """A name with its password, or an API key, or the server's token."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "ann", "password": "four random words here"}]}
    )

    name: str = Field("", max_length=100)
    password: str = Field("", max_length=1_000)
    key: Secret = ""


class RefreshToken(BaseModel):
    """The token that gets the next pair, once."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"refresh_token": "eyJ0eXAiOi..."}]})

    refresh_token: Secret


class AnyToken(BaseModel):
    """An access or refresh token: its whole family ends."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"token": "eyJ0eXAiOi..."}]})

    token: Secret


class TokensOut(BaseModel):
    """A pair of tokens (RFC 6749, section 5.1)."""

    access_token: str
    refresh_token: str
    token_type: str = "Bearer"  # noqa: S105 - a word, no secret
    expires_in: int = Field(description="Seconds for which the access token is good.")
    refresh_expires_in: int = Field(description="Seconds for which the refresh token is good.")
    scope: str


class IdentityOut(BaseModel):
    """Somebody who asks."""

    kind: str = Field(description="token, user or key.")
    id: str
    name: str
    scope: str | None
    projects: list[str] = Field(description="The projects they are confined to; none for all.")
    via: str = Field(description="How they came: token, password, oidc, key or jwt.")


def mount(app: FastAPI, claudia: Claudia) -> None:
    """Add the pages and the endpoints."""
    app.include_router(_people(claudia))
    app.include_router(_programs(claudia))


def _people(hub: Claudia) -> APIRouter:
    routes = APIRouter(include_in_schema=False)

    @routes.get("/login")
    async def form(request: Request, next: str = "/", again: str = "") -> Response:
        """The page; who has signed in already is led on."""
        to = local_address(next)
        if not again and current().scope is not None:
            return RedirectResponse(_under(request, to), 303)
        return await _page(request, to)

    @routes.post("/login")
    async def enter(request: Request) -> Response:
        """Sign in with a name and a password, or with the server's token."""
        fields = await read_form(request)
        to = local_address(fields.get("next", "/"))
        try:
            identity = await to_thread.run_sync(_person, hub, request, fields)
        except (Unauthenticated, RateLimited) as error:
            refused = await _page(request, to, error.message, 429 if isinstance(error, RateLimited) else 401)
            if error.retry_after:
                refused.headers["retry-after"] = str(round(error.retry_after) + 1)
            return refused
        response = RedirectResponse(_under(request, to), 303)
        await sign_in(request, identity, response)
        return response

    @routes.post("/logout")
    async def leave(request: Request) -> Response:
        """End this browser's session."""
        response = RedirectResponse(_under(request, "/login"), 303)
        await to_thread.run_sync(_end, hub, request)
        sign_out(request, response)
        return response

    return routes


def _programs(hub: Claudia) -> APIRouter:
    routes = APIRouter(prefix="/api/v1/auth", tags=["auth"])

    @routes.post("/token")
    def token(request: Request, asked: Credentials) -> TokensOut:
        """A first pair of tokens, for a name and a password or for an API key."""
        access: Access = request.state.access
        address = address_of(request.scope)
        if asked.key:
            identity = access.bearer(asked.key, address)
            if identity.session:
                raise TokenInvalid("this is no API key", field="key")
        else:
            identity = hub.users.sign_in(asked.name, asked.password, address=address).identity(
                "password", address=address
            )
        lifetime = timedelta(seconds=hub.settings.refresh_token_seconds)
        agent, proof = request.headers.get("user-agent", "")[:300], "" if identity.id else access.proof
        session, secret = hub.sessions.begin(identity, lifetime, kind=TOKENS, agent=agent, proof=proof)
        return pair(access, identity, session.id, secret)

    @routes.post("/refresh")
    def refresh(request: Request, asked: RefreshToken) -> TokensOut:
        """The next pair. A refresh token that was used before ends its family: somebody has stolen it."""
        access: Access = request.state.access
        claims = access.tokens.verify(asked.refresh_token, REFRESH)
        id, address = str(claims.get("sid", "")), address_of(request.scope)
        identity = access.of_session(hub.sessions.alive(id), address)
        lifetime = timedelta(seconds=hub.settings.refresh_token_seconds)
        with acting_as(identity):
            _, secret = hub.sessions.renew(id, str(claims.get("jti", "")), lifetime)
        return pair(access, identity, id, secret)

    @routes.post("/revoke", status_code=204)
    def revoke(request: Request, asked: AnyToken) -> None:
        """End the family of a token. A token that is not good any more is no error (RFC 7009, section 2.2)."""
        access: Access = request.state.access
        claims: Mapping[str, Any] = {}
        for kind in (REFRESH, ACCESS):
            try:
                claims = access.tokens.verify(asked.token, kind)
            except Unauthenticated:
                continue
        try:
            identity = access.of_session(hub.sessions.alive(str(claims.get("sid", ""))), address_of(request.scope))
            with acting_as(identity):
                hub.sessions.end(identity.session, action="auth.revoke")
        except (Unauthenticated, NotFound):
            return

    @routes.get("/me")
    def me() -> IdentityOut:
        """Who the caller is taken for."""
        who = current()
        return IdentityOut(
            kind=who.kind, id=who.id, name=who.name, scope=who.scope, projects=sorted(who.projects), via=who.via
        )

    return routes


def pair(access: Access, identity: Identity, session: str, secret: str) -> TokensOut:
    """The access and refresh tokens of a session; the secret is the refresh token's id."""
    claims = {"sub": identity.actor, "name": identity.name, "sid": session, "scope": str(identity.scope or "")}
    return TokensOut(
        access_token=access.tokens.sign(claims, ACCESS),
        refresh_token=access.tokens.sign({**claims, "jti": secret}, REFRESH),
        expires_in=int(access.tokens.seconds[ACCESS]),
        refresh_expires_in=int(access.tokens.seconds[REFRESH]),
        scope=str(identity.scope or ""),
    )


def _person(hub: Claudia, request: Request, fields: Mapping[str, str]) -> Identity:
    access: Access = request.state.access
    address = address_of(request.scope)
    if "token" in fields:
        if not access.accepts_token(fields["token"].strip()):
            raise Unauthenticated("that token is not right")
        return access.by_token(address)
    user = hub.users.sign_in(fields.get("name", ""), fields.get("password", ""), address=address)
    return user.identity("password", address=address)


def _end(hub: Claudia, request: Request) -> None:
    access: Access = request.state.access
    for value in cookies(request.headers, cookie_name(access, request.scope)):
        try:
            identity = access.cookie(value, address_of(request.scope))
            with acting_as(identity):
                hub.sessions.end(identity.session, action="auth.sign_out")
        except (Unauthenticated, NotFound):
            continue


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a form that a page has sent.

    Raises:
        TooLarge: it is over 20,000 bytes.
        Unauthenticated: it is not one that a page sends.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_LIMIT:
            raise TooLarge(f"the form is over the limit of {FORM_LIMIT:,} bytes", field="body")
    try:
        return dict(parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=50, errors="strict"))
    except ValueError as error:
        raise Unauthenticated("the form cannot be read") from error


async def _page(request: Request, to: str, alert: str = "", status: int = 200) -> Response:
    access: Access = request.state.access
    ways = await to_thread.run_sync(access.ways)
    return refusals.sign_in_page(request.scope, ways, to, alert, status)


def _under(request: Request, path: str) -> str:
    root: str = request.scope.get("root_path", "")
    return root + path
