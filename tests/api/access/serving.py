"""A whole server, pages included, and a key for every scope."""

import http.client
import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlencode

from claudia_core import Claudia
from claudia_core.api import server
from claudia_core.model.identity import Scope

TOKEN = "the-right-token-of-this-test"


@dataclass
class Site:
    """A running server, its application, and an API key for each scope."""

    hub: Claudia
    app: object
    port: int
    keys: dict

    def ask(self, method, path, who=None, body=None, **headers):
        """One request; returns the status, the headers and the body as far as it comes at once."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        shown = {} if who is None else {"Authorization": f"Bearer {self.keys.get(who, who)}"}
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, body, {**shown, **more})
            answer = connection.getresponse()
            is_endless = answer.headers.get_content_type() == "text/event-stream"
            return answer.status, answer.headers, "" if is_endless else answer.read().decode()
        finally:
            connection.close()

    def post(self, path, document, who=None):
        """JSON; returns the status and the answer's document."""
        status, _, body = self.ask("POST", path, who, json.dumps(document), Content_Type="application/json")
        return status, json.loads(body) if body else {}

    def form(self, path, fields, cookie="", **headers):
        """A form, sent as a browser does from one of the server's own pages."""
        own = {"Origin": f"http://127.0.0.1:{self.port}", "Accept": "text/html", "Cookie": cookie, **headers}
        kind = "application/x-www-form-urlencoded"
        return self.ask("POST", path, None, urlencode(fields), Content_Type=kind, **own)

    def sign_in(self, name, password, cookie=""):
        """The cookie that a browser gets for a name and a password."""
        _, headers, _ = self.form("/login", {"name": name, "password": password}, cookie)
        return headers["set-cookie"].partition(";")[0]


@contextmanager
def served():
    """The site, while it is served."""
    with Claudia("memory://", display="off", sign_in_limit="10000/minute", rate_limit="100000/minute") as hub:
        app = server.create_app(hub)
        listener = server.listen("127.0.0.1", 0)
        program = server.configured(app, listener, host="127.0.0.1", token=TOKEN)
        thread = threading.Thread(target=lambda: program.run(sockets=[listener]))
        thread.start()
        try:
            until = time.monotonic() + 30
            while not program.started and time.monotonic() < until:
                time.sleep(0.01)
            keys = {scope: hub.keys.create(scope.value, scope=scope)[1] for scope in Scope}
            yield Site(hub, app, listener.getsockname()[1], keys)
        finally:
            program.should_exit = True
            thread.join(20)
            listener.close()
