"""The whole server in a real browser: signing in elsewhere, the pages' policy, and what other sites can do to it."""

import base64
import contextlib
import http.server
import json
import re
import threading
import zlib

import pytest
from playwright.sync_api import expect

import dashboards
from claudia_core import Claudia
from claudia_core.api import server
from claudia_core.settings import default_settings
from claudia_core.testing.waiting import eventually
from tests.integrations.oauth.provider import provider_process

pytestmark = pytest.mark.browser
TOKEN = "the-right-token-of-this-test"
PATIENCE = 30_000
LISTEN = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`))
"""


@contextlib.contextmanager
def whole_server(hub):
    """Everything as `claudia serve` has it; yields its address."""
    listener = server.listen("127.0.0.1", 0)
    program = server.configured(server.create_app(hub), listener, host="127.0.0.1", token=TOKEN)
    thread = threading.Thread(target=lambda: program.run(sockets=[listener]))
    thread.start()
    try:
        eventually(lambda: program.started, timeout=30)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        program.should_exit = True
        thread.join(10)
        listener.close()


def opened(**values):
    return Claudia(settings=default_settings(database_url="memory://", display="off", **values))


@pytest.fixture(scope="module")
def address():
    with opened() as hub:
        hub.feed.start()
        with hub.task("<script>window.hit = 1</script>", estimated_steps=3) as task:
            task.progress(2, message="<img src=x onerror='window.hit = 1'>")
        with contextlib.suppress(ValueError), hub.task("load"):
            raise ValueError("<script>window.hit = 1</script>")
        with whole_server(hub) as running:
            yield running


@contextlib.contextmanager
def other_site(page):
    """Another server of this machine, whose one page is `page`; yields its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *_):
            pass

    foreign = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=foreign.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{foreign.server_port}/"
    finally:
        foreign.shutdown()
        foreign.server_close()
        thread.join(10)


def signed_in(window, address, path="/"):
    watched = window()
    watched.page.add_init_script(LISTEN)
    watched.page.goto(f"{address}{path}?token={TOKEN}")
    return watched


def settled(page):
    """Until the page is there and quiet."""
    expect(page.get_by_role("heading").first).to_be_visible(timeout=PATIENCE)
    page.wait_for_timeout(2_500)


ADDRESSES = [spec.path for spec in dashboards.PAGES] + ["/api/docs", "/graphql", "/access"]


@pytest.mark.parametrize("path", [*ADDRESSES, "/tasks?view=timeline"])
def test_no_page_violates_its_policy(window, address, path):
    """Every page works under its policy: nothing is blocked, nothing complains, nothing is asked for elsewhere."""
    watched = signed_in(window, address)
    watched.page.goto(address + path)
    settled(watched.page)
    assert watched.page.evaluate("window.violations") == []
    assert [text for text in watched.complaints if "preload" not in text] == []
    assert watched.strangers() == []
    assert watched.page.evaluate("window.hit") is None


INJECTIONS = {
    "handler": """document.body.insertAdjacentHTML("beforeend", "<img src='data:,' onerror='hit = 1'>")""",
    "inline": """const s = document.createElement("script"); s.textContent = "hit = 1"; document.body.append(s)""",
    "data": """const s = document.createElement("script"); s.src = "data:text/javascript,window.hit=1";
        document.body.append(s)""",
    "blob": """const s = document.createElement("script"); document.body.append(s);
        s.src = URL.createObjectURL(new Blob(["window.hit = 1"], {type: "text/javascript"}))""",
    "link": """const a = document.createElement("a"); a.href = "javascript:window.hit = 1"; document.body.append(a);
        a.click()""",
    "elsewhere": """const s = document.createElement("script"); s.src = "http://127.0.0.1:1/x.js";
        document.body.append(s)""",
    "frame": """const f = document.createElement("iframe"); f.src = "http://127.0.0.1:1/"; document.body.append(f)""",
    "base": """document.head.insertAdjacentHTML("afterbegin", "<base href='http://127.0.0.1:1/'>")""",
    "form": """document.body.insertAdjacentHTML("beforeend", "<form action='http://127.0.0.1:1/'></form>");
        document.forms[document.forms.length - 1].submit()""",
    "call": """fetch("http://127.0.0.1:1/", {mode: "no-cors"}).catch(() => 0)""",
    "plugin": """document.body.insertAdjacentHTML("beforeend", "<object data='http://127.0.0.1:1/'></object>")""",
}


def test_what_is_injected_does_not_run(window, address):
    """Whatever way markup or a script gets into a page, it neither runs nor sends anything anywhere."""
    page = signed_in(window, address).page
    settled(page)
    for name, script in INJECTIONS.items():
        before = page.evaluate("window.violations.length")
        page.evaluate(f"() => {{ {script} }}")
        eventually(lambda seen=before: page.evaluate("window.violations.length") > seen, timeout=5)
        assert page.evaluate("window.hit") is None, name
        assert page.evaluate("document.baseURI").startswith(address), name


def test_a_page_does_not_hold_what_let_it_in(window, address):
    """No script can read the session's cookie: not from the document, and not from the token for Bokeh's socket."""
    watched = signed_in(window, address)
    page = watched.page
    settled(page)
    (cookie,) = [one for one in watched.context.cookies() if one["name"].startswith("claudia-") and one["httpOnly"]]
    assert cookie["sameSite"] == "Lax"
    assert cookie["value"] not in page.evaluate("document.cookie")
    text = watched.context.request.get(address).text()
    token = re.search(r'"token":"([^".]+)', text)[1]
    payload = json.loads(base64.urlsafe_b64decode(token + "=="))
    told = json.loads(zlib.decompress(base64.urlsafe_b64decode(payload["__bk__zlib_"] + "==")))
    assert set(told["headers"]) <= {"host", "user-agent"}
    assert not any(cookie["value"] in str(part) for part in (text, told))


def test_a_person_signs_in_with_a_provider(window):
    """From a page that wants a sign-in, to the provider, and back to that page, as a user with the rules' scope."""
    with provider_process() as issuer:
        values = {"oidc_issuer": issuer, "oidc_client_id": "me", "oidc_client_secret": "s", "oidc_name": "Acme"}
        with opened(**values, sign_in_grants="oidc:group:sre=operator") as hub, whole_server(hub) as address:
            hub.feed.start()
            watched = window()
            page = watched.page
            page.add_init_script(LISTEN)
            page.goto(f"{address}/tasks?status=failed")
            page.get_by_role("link", name="Sign in with Acme").click()
            expect(page).to_have_url(re.compile(re.escape(issuer)))
            page.locator("input[name=sub]").first.fill("ada@example.org")
            page.get_by_role("button", name="Authorize", exact=True).click()
            expect(page).to_have_url(f"{address}/tasks?status=failed", timeout=PATIENCE)
            settled(page)
            assert page.evaluate("window.violations") == []
            (user,) = hub.users.list()
            assert (user.name, str(user.scope), user.subject) == ("ada", "operator", "ada@example.org")
            # Somebody whom no rule names sees why, and is not signed in.
            stranger = window().page
            stranger.goto(f"{address}/login/oidc")
            stranger.locator("input[name=sub]").first.fill("eve@evil.example")
            stranger.get_by_role("button", name="Authorize", exact=True).click()
            expect(stranger.get_by_role("alert")).to_contain_text("has no access here", timeout=PATIENCE)
            stranger.goto(f"{address}/tasks")
            expect(stranger.get_by_role("link", name="Sign in with Acme")).to_be_visible()


ATTACK = """<script>
window.found = {};
const port = new URLSearchParams(location.search).get("port");
const socket = (path, ...kinds) => new Promise((done) => {
  const opened = new WebSocket(`ws://127.0.0.1:${port}${path}`, kinds);
  opened.onopen = () => done("opened"); opened.onerror = () => done("refused");
});
const script = (path) => new Promise((done) => {
  const made = document.createElement("script");
  made.onload = () => done("loaded"); made.onerror = () => done("refused");
  made.src = `http://127.0.0.1:${port}${path}`; document.head.append(made);
});
const ask = (path, options) => fetch(`http://127.0.0.1:${port}${path}`, {credentials: "include", ...options})
  .then(() => "answered", () => "refused");
(async () => {
  window.found.channels = await socket("/ws");
  window.found.bokeh = await socket("/tasks/ws", "bokeh", "token");
  window.found.graphql = await socket("/graphql", "graphql-transport-ws");
  window.found.autoload = await script("/tasks/autoload.js?bokeh-autoload-element=x");
  window.found.bundle = await script("/static/js/bokeh.min.js");
  window.found.read = await ask("/api/v1/tasks");
  window.found.write = await ask("/api/v1/tasks", {method: "POST", mode: "no-cors", body: '{"type":"x"}'});
  window.done = true;
})();
</script>"""


def test_another_site_on_this_machine_gets_nothing(window, address):
    """The visitor's cookie goes along (another port is the same site to a browser), and still nothing opens."""
    watched = signed_in(window, address)
    settled(watched.page)
    port = address.rpartition(":")[2]
    with other_site(ATTACK) as foreign:
        page = watched.context.new_page()
        page.goto(f"{foreign}?port={port}")
        page.wait_for_function("window.done", timeout=PATIENCE)
        found = page.evaluate("window.found")
    assert set(found.values()) == {"refused"}, found
    listed = watched.context.request.get(f"{address}/api/v1/tasks").json()
    assert not any(task["type"] == "x" for task in listed["items"])


@pytest.mark.parametrize("is_allowed", [False, True], ids=["refused", "allowed"])
def test_who_may_frame_a_page(window, is_allowed):
    """Another site cannot show a page in a frame; one that the setting names can."""
    with other_site("<iframe></iframe>") as foreign:
        ancestors = f"'self' {foreign.rstrip('/')}" if is_allowed else "'self'"
        with opened(frame_ancestors=ancestors) as hub, whole_server(hub) as address:
            hub.feed.start()
            watched = signed_in(window, address)
            settled(watched.page)
            watched.page.goto(foreign)
            watched.page.evaluate("(to) => { document.querySelector('iframe').src = to }", f"{address}/tasks")
            heading = watched.page.frame_locator("iframe").get_by_role("heading").first
            if is_allowed:
                expect(heading).to_be_visible(timeout=PATIENCE)
            else:
                watched.page.wait_for_timeout(3_000)
                expect(heading).to_have_count(0)
                assert any("frame-ancestors" in text for text in watched.complaints)
