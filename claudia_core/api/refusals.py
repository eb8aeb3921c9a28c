"""What a visitor gets who may not in: a page for people, a problem document (RFC 9457) for programs."""

from __future__ import annotations

import hashlib
import html
from base64 import b64encode
from urllib.parse import urlencode

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import Scope

from claudia_core.api import problems
from claudia_core.api.access.access import SEND_IT, Ways
from claudia_core.api.access.browser import without_token
from claudia_core.errors import Unauthenticated
from claudia_core.model.identity import Identity

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --paper: #f6f8fa; --card: #fff; --line: #d0d7de;
  --accent: #0b5fcc; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9da7b3; --paper: #0d1117; --card: #161b22;
  --line: #3d444d; --accent: #6cb0ff; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; grid-template-columns: minmax(0, 1fr); place-items: center;
  padding: 1.5rem; background: var(--paper); color: var(--ink); font: 1rem/1.6 system-ui, sans-serif; }
main { width: min(34rem, 100%); background: var(--card); border: 1px solid var(--line); border-radius: 12px;
  padding: 2rem; }
h1 { margin: 0 0 .5rem; font-size: 1.4rem; line-height: 1.3; }
p { margin: 0 0 1rem; } .soft { color: var(--soft); font-size: .9rem; margin-bottom: 0; }
code { font: .9em ui-monospace, monospace; background: var(--paper); border: 1px solid var(--line); border-radius: 4px;
  padding: .1em .35em; overflow-wrap: anywhere; }
form { display: flex; flex-wrap: wrap; gap: .5rem; margin: 0 0 1.25rem; }
label { flex: 1 0 100%; font-weight: 600; }
input { flex: 1 1 14rem; font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--soft);
  border-radius: 8px; padding: .5rem .75rem; }
button { font: inherit; font-weight: 600; color: var(--card); background: var(--accent); border: 0; border-radius: 8px;
  padding: .5rem 1.25rem; cursor: pointer; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
a { color: var(--accent); } .way { font-weight: 600; margin-right: 1rem; }
.wide { width: min(76rem, 100%); align-self: start; } .scroll { overflow-x: auto; margin: 0 0 1rem; }
nav { display: flex; flex-wrap: wrap; gap: 1.25rem; margin-bottom: 1rem; }
[aria-current] { font-weight: 700; color: var(--ink); }
.who { display: flex; flex-wrap: wrap; gap: 1rem; align-items: center; justify-content: space-between;
  margin-bottom: 1rem; }
h2 { font-size: 1.1rem; } .wide form { margin: 0; } .wide form.new { margin: 0 0 1.25rem; align-items: end; }
.wide form.new label { flex: 0 1 auto; align-self: center; } td form { display: inline-flex; }
.wide button { padding: .3rem .9rem; }
select { font: inherit; color: inherit; background: var(--paper); padding: .5rem; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; } caption { text-align: left; color: var(--soft); }
th, td { text-align: left; padding: .4rem .6rem; border-bottom: 1px solid var(--line); vertical-align: middle; }
.alert { border-left: 4px solid #d1242f; padding-left: .75rem; font-weight: 600; }
"""

FRAME = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title} · Claudia</title>
<link rel="icon" href="data:,">
<style>{style}</style>
</head>
<body>
<main class="{kind}">
{content}
</main>
</body>
</html>
"""

BY_PASSWORD = """<form method="post" action="{login}">
<input type="hidden" name="next" value="{next}">
<label for="name">Name</label>
<input id="name" name="name" autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="100" required>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" maxlength="1000" required>
<button type="submit">Sign in</button>
</form>
"""

LINKS = """<p class="ways">{links}</p>
"""

BY_TOKEN = """<form method="post" action="{login}">
<input type="hidden" name="next" value="{next}">
<label for="token">Or enter the token here</label>
<input id="token" name="token" type="password" autocomplete="off" autocapitalize="none" spellcheck="false" required>
<button type="submit">Open</button>
</form>
<p class="soft">The token is kept in the file <code>token</code> beside the hub's database, by default
<code>.claudia/token</code>. Programs send it, or an API key, as <code>Authorization: Bearer …</code>.</p>"""

BY_LINK = """<p>Open the link that <code>claudia serve</code> printed where it runs. It ends in <code>?token=…</code>;
this browser is remembered for a while.</p>
"""

FORBIDDEN = """<h1>This is not for you</h1>
<p>This address takes the scope <code>{needed}</code>, and {name} has <code>{has}</code>.</p>
<p class="soft"><a href="{home}">Back to the start</a>, or <a href="{login}">sign in as somebody else</a>.</p>"""

ALERT = '<p class="alert" role="alert">{text}</p>\n'


def page(title: str, content: str, status: int = 200, *, wide: bool = False) -> HTMLResponse:
    """A small page that needs nothing else; `content` is HTML and must be escaped already."""
    digest = b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; form-action 'self'; base-uri 'none'"
    text = FRAME.format(title=html.escape(title), style=STYLE, content=content, kind="wide" if wide else "card")
    return HTMLResponse(text, status, {"content-security-policy": f"{policy}; frame-ancestors 'none'"})


def problem(status: int, code: str, title: str, detail: str) -> Response:
    """A problem document; `code` is stable and for programs."""
    body = {"type": "about:blank", "title": title, "status": status, "code": code, "detail": detail}
    return JSONResponse(body, status, media_type="application/problem+json")


def ask_to_sign_in(headers: Headers, scope: Scope, ways: Ways, wrong: Unauthenticated | None) -> Response:
    """401: nobody has signed in, or what was shown is `wrong`: a page for people, a problem for programs."""
    if is_browser(headers):
        response: Response = sign_in_page(scope, ways, without_token(scope), str(wrong.message) if wrong else "")
    else:
        error = wrong or Unauthenticated("no token was sent", hint=SEND_IT)
        response = problems.of_error(error, scope["path"])
    response.headers["www-authenticate"] = 'Bearer realm="claudia"'
    return response


def sign_in_page(scope: Scope, ways: Ways, next: str, alert: str = "", status: int = 401) -> HTMLResponse:
    """The page to sign in on; it works without JavaScript. It leads to `next` afterwards."""
    root = scope.get("root_path", "")
    values = {"login": html.escape(f"{root}/login"), "next": html.escape(next)}
    links = " ".join(
        f'<a class="way" href="{html.escape(f"{root}{to}?{urlencode({'next': next})}")}">{html.escape(name)}</a>'
        for name, to in ways.links
    )
    parts = [
        f"<h1>{'Sign in' if ways.has_users or links else 'This hub asks for its token'}</h1>",
        ALERT.format(text=html.escape(alert[:1].upper() + alert[1:] + ".")) if alert else "",
        BY_PASSWORD.format(**values) if ways.has_users else "",
        LINKS.format(links=links) if links else "",
        "" if ways.has_users or links else BY_LINK,
        BY_TOKEN.format(**values),
    ]
    return page("Sign in", "\n".join(filter(None, parts)), status)


def forbidden(headers: Headers, scope: Scope, identity: Identity, needed: str | None) -> Response:
    """403: whoever has signed in may not go there."""
    has = str(identity.scope or "none")
    if not is_browser(headers):
        detail = f"this takes the scope {needed}, and {identity.name or identity.kind} has {has}"
        return problems.problem("access_denied", detail, path=scope["path"])
    root = html.escape(scope.get("root_path", ""))
    values = {"needed": html.escape(str(needed)), "name": html.escape(identity.name or str(identity.kind))}
    return page("Not allowed", FORBIDDEN.format(**values, has=has, home=f"{root}/", login=f"{root}/login?again=1"), 403)


def foreign_host() -> Response:
    """400: the request is for another name than this server has."""
    detail = "this server does not answer to that Host: use localhost or 127.0.0.1"
    return problem(400, "unknown_host", "Bad Request", detail)


def foreign_origin() -> Response:
    """403: another site's page asks to change something."""
    return problem(403, "foreign_origin", "Forbidden", "another site's page may not do this")


def is_browser(headers: Headers) -> bool:
    """Whether a person's browser asks for a page."""
    return "text/html" in headers.get("accept", "")
