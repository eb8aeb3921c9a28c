"""What a visitor gets who may not in: a page for people, a problem document (RFC 9457) for programs."""

from __future__ import annotations

import hashlib
import html
from base64 import b64encode

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, JSONResponse, Response

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --paper: #f6f8fa; --card: #fff; --line: #d0d7de;
  --accent: #0b5fcc; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --soft: #9da7b3; --paper: #0d1117; --card: #161b22;
  --line: #3d444d; --accent: #6cb0ff; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.6 system-ui, sans-serif; }
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
<main>
{content}
</main>
</body>
</html>
"""

SIGN_IN = """<h1>This hub asks for its token</h1>
{alert}<p>Open the link that <code>claudia serve</code> printed where it runs. It ends in <code>?token=…</code>;
this browser is remembered for 30 days.</p>
<form method="get">
<label for="token">Or enter the token here</label>
<input id="token" name="token" type="password" autocomplete="off" autocapitalize="none" spellcheck="false" required>
<button type="submit">Open</button>
</form>
<p class="soft">The token is kept in the file <code>token</code> beside the hub's database, by default
<code>.claudia/token</code>. Programs send it as <code>Authorization: Bearer …</code>.</p>"""

WRONG = '<p class="alert" role="alert">That token is not right.</p>\n'


def page(title: str, content: str, status: int = 200) -> HTMLResponse:
    """A small page that needs nothing else; `content` is HTML and must be escaped already."""
    digest = b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; form-action 'self'; base-uri 'none'"
    text = FRAME.format(title=html.escape(title), style=STYLE, content=content)
    return HTMLResponse(text, status, {"content-security-policy": f"{policy}; frame-ancestors 'none'"})


def problem(status: int, code: str, title: str, detail: str) -> Response:
    """A problem document; `code` is stable and for programs."""
    body = {"type": "about:blank", "title": title, "status": status, "code": code, "detail": detail}
    return JSONResponse(body, status, media_type="application/problem+json")


def sign_in(headers: Headers, *, wrong: bool) -> Response:
    """401: no token, or a wrong one."""
    if _is_browser(headers):
        response: Response = page("Token needed", SIGN_IN.format(alert=WRONG if wrong else ""), 401)
    else:
        what = "the token is not right" if wrong else "no token was sent"
        response = problem(401, "access_denied", "Unauthorized", f"{what}: send it as Authorization: Bearer TOKEN")
    response.headers["www-authenticate"] = 'Bearer realm="claudia"'
    return response


def foreign_host() -> Response:
    """400: the request is for another name than this server has."""
    detail = "this server does not answer to that Host: use localhost or 127.0.0.1"
    return problem(400, "unknown_host", "Bad Request", detail)


def foreign_origin() -> Response:
    """403: another site's page asks to change something."""
    return problem(403, "foreign_origin", "Forbidden", "another site's page may not do this")


def _is_browser(headers: Headers) -> bool:
    return "text/html" in headers.get("accept", "")
