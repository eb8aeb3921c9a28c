"""`/login/{provider}` and `/login/{provider}/callback`."""

from __future__ import annotations

import html
import time
from urllib.parse import urlencode

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import RedirectResponse, Response

from claudia_core.api import refusals
from claudia_core.api.access.browser import address_of, cookie_name, cookies, local_address, sign_in
from claudia_core.api.access.rules import OPEN
from claudia_core.api.elsewhere.providers import Identifies, Provider, Providers
from claudia_core.api.elsewhere.trips import SECONDS, Trip, Trips
from claudia_core.app import Claudia
from claudia_core.errors import AccessDenied, ClaudiaError, NotFound, ProviderRefused, StoreError
from claudia_core.logs import get_logger
from claudia_core.model.identity import Identity, Kind

log = get_logger(__name__)

MOST_AT_ONCE = 8
"""Threads that may wait for providers: one that does not answer must not take those of all other requests."""

REFUSED = """<h1>The sign-in did not work</h1>
<p class="alert" role="alert">{text}.</p>
<p><a class="way" href="{login}">Try again</a></p>"""


def mount(app: FastAPI, claudia: Claudia) -> None:
    """Add the ways that the settings name; without any nothing is added."""
    providers = Providers(claudia.settings)
    if not list(providers):
        return
    for provider in providers:
        app.state.rules.add(f"/login/{provider.key}", OPEN)
        app.state.rules.add(f"/login/{provider.key}/callback", OPEN)
        app.state.sign_in_links.append((provider.label, f"/login/{provider.key}"))
    app.include_router(_routes(claudia, providers, Trips()))


def _routes(hub: Claudia, providers: Providers, trips: Trips) -> APIRouter:
    routes = APIRouter(include_in_schema=False)
    places = CapacityLimiter(MOST_AT_ONCE)

    @routes.get("/login/{key}")
    async def leave(request: Request, key: str, next: str = "/") -> Response:
        """Send the browser to the provider."""
        provider = _known(providers, key)
        try:
            back = _back(hub, request, key)
            trip, url = await to_thread.run_sync(_begin, providers, provider, back, next, limiter=places)
        except ClaudiaError as error:
            return _refused(request, error)
        response = RedirectResponse(url, 303)
        secure = request.url.scheme == "https"
        name = _cookie_of(request)
        response.set_cookie(name, trips.seal(trip), max_age=SECONDS, httponly=True, samesite="lax", secure=secure)
        return response

    @routes.get("/login/{key}/callback")
    async def arrive(request: Request, key: str, state: str = "", code: str = "", iss: str | None = None) -> Response:
        """Take the browser back."""
        provider = _known(providers, key)
        try:
            trip = _trip(trips, request, provider, state)
            if not code:
                raise ProviderRefused(f"{key} says {request.query_params.get('error', 'nothing')!r:.80}")
            told = (trip, code, iss, address_of(request.scope))
            who = await to_thread.run_sync(_identify, hub, providers, provider, *told, limiter=places)
        except ClaudiaError as error:
            await to_thread.run_sync(_tell, hub, request, provider, error)
            return _refused(request, error)
        response = RedirectResponse(request.scope.get("root_path", "") + local_address(trip.next), 303)
        await sign_in(request, who, response)
        _forget(request, response)
        return response

    return routes


def _known(providers: Providers, key: str) -> Provider:
    provider = providers.get(key)
    if provider is None:
        raise NotFound("there is no such way to sign in", field="provider")
    return provider


def _begin(providers: Providers, provider: Provider, back: str, next: str) -> tuple[Trip, str]:
    asked = providers.opened(provider).returning_to(back).authorization_request(provider.scopes)
    trip = Trip(provider.key, back, local_address(next), asked.state, asked.verifier, asked.nonce, time.time())
    return trip, asked.url


def _trip(trips: Trips, request: Request, provider: Provider, state: str) -> Trip:
    wrong: ProviderRefused | None = None
    for sealed in cookies(request.headers, _cookie_of(request)):
        try:
            return trips.open(sealed, provider.key, state)
        except ProviderRefused as error:
            wrong = error
    raise wrong or ProviderRefused("this browser has begun no sign-in here", hint="begin the sign-in again")


def _identify(
    hub: Claudia, providers: Providers, provider: Provider, trip: Trip, code: str, issuer: str | None, address: str
) -> Identity:
    from claudia_core.integrations.oauth import AuthorizationRequest

    asked = AuthorizationRequest("", trip.state, trip.verifier, trip.nonce)
    opened: Identifies = providers.opened(provider).returning_to(trip.redirect_uri)
    opened.require_issuer(issuer)
    claims = opened.identify(opened.exchange(code, asked), asked)
    scope = providers.scope_of(provider, claims)
    if scope is None:
        raise ProviderRefused(f"{_printable(claims.username or claims.email or claims.subject)} has no access here")
    name = _printable(claims.username or claims.email or claims.name or claims.subject)
    user = hub.users.arrive(claims.issuer, claims.subject, name, scope=scope)
    return user.identity("oidc", address=address)


def _printable(text: str) -> str:
    """A provider's text as a user's name: one line of at most 100 characters."""
    return "".join(sign for sign in text if sign.isprintable()).strip()[:100].strip() or "somebody"


def _back(hub: Claudia, request: Request, key: str) -> str:
    """The address to come back to. The guard has seen that the host is one of this server's names."""
    base = hub.settings.public_url or f"{request.url.scheme}://{request.url.netloc}"
    return f"{base}{request.scope.get('root_path', '')}/login/{key}/callback"


def _cookie_of(request: Request) -> str:
    return f"{cookie_name(request.state.access, request.scope)}-trip"


def _forget(request: Request, response: Response) -> None:
    secure = request.url.scheme == "https"
    response.delete_cookie(_cookie_of(request), httponly=True, samesite="lax", secure=secure)


def _tell(hub: Claudia, request: Request, provider: Provider, error: ClaudiaError) -> None:
    """Into the log and, where somebody was refused, the audit log; never what was sent."""
    address = address_of(request.scope)
    log.warning("a sign-in elsewhere failed", provider=provider.key, reason=error.message, address=address)
    if isinstance(error, AccessDenied):
        stranger = Identity(Kind.ANONYMOUS, via="oidc", address=address)
        hub.audit.record("auth.refused", "", stranger, provider=provider.key, reason=error.message)


def _refused(request: Request, error: ClaudiaError) -> Response:
    text = error.message[:1].upper() + error.message[1:]
    status = 403 if isinstance(error, AccessDenied) else 503 if isinstance(error, StoreError) else 502
    login = f"{request.scope.get('root_path', '')}/login?{urlencode({'again': '1'})}"
    content = REFUSED.format(text=html.escape(text), login=html.escape(login))
    response = refusals.page("Sign-in failed", content, status)
    _forget(request, response)
    return response
