"""The table: every route, field, method, channel, page and action, with every scope and without any.

It is derived from the application itself: what is added without a rule fails here.
"""

import json
import re
import time
from pathlib import Path

import graphql
import grpc
import pytest
from google.protobuf.message_factory import GetMessageClass
from starlette.routing import WebSocketRoute
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

import dashboards
from claudia_core.api.access.perform import carry_out
from claudia_core.api.access.rules import OPEN
from claudia_core.api.contract.operations import OPERATIONS, TABLE
from claudia_core.api.graphql.names import name_of
from claudia_core.api.graphql.schema import schema
from claudia_core.api.grpc import serve_grpc
from claudia_core.api.grpc.access import OPEN as OPEN_METHODS
from claudia_core.api.grpc.methods import path_of, scopes, services
from claudia_core.api.realtime.channels import FIXED
from claudia_core.api.rest.endpoints import PREFIX
from claudia_core.api.rest.routes import Directory
from claudia_core.errors import AccessDenied
from claudia_core.model.identity import Identity, Kind, Scope, acting_as
from dashboards import PAGES
from dashboards.parts.agents.agent_actions import MODES
from dashboards.parts.tasks.actions import VERBS
from tests.api.protocols import camel

WHO = (None, *Scope)
OPEN_ADDRESSES = {
    *("/livez", "/login", "/logout", "/api/v1/auth/token", "/api/v1/auth/refresh", "/api/v1/auth/revoke"),
    "/api/v1/hooks/",  # let in by their signatures
    "/api/v1/ingest/",  # let in by the key of their DSN
}


def routes(app):
    """Every route with its methods, also of routers that were included."""
    waiting = list(app.routes)
    while waiting:
        route = waiting.pop()
        included = getattr(route, "original_router", None)
        if included is not None:
            waiting += included.routes
        elif isinstance(route, Directory):
            yield from route._resources.values()
        else:
            yield route


def filled(path):
    """An address without its parameters."""
    return re.sub(r"{\w+(:path)?}", "00000000-0000-7000-8000-000000000000", path.replace("{project:int}", "1"))


def may(who, needed):
    return needed is OPEN or (who is not None and who.includes(needed))


def test_every_route_has_a_rule(site):
    """Of REST, GraphQL, streams, sockets, probes, documents and pages: none takes an admin just for want of a rule."""
    paths = {filled(route.path) for route in routes(site.app)} | {spec.path for spec in PAGES}
    assert len(paths) > 50
    assert [path for path in sorted(paths) if not site.app.state.rules.need(path).is_ruled] == []


def test_only_few_addresses_are_open(site):
    """What lets people in, what says that the server lives, and webhooks, which are let in by their signatures."""
    found = {path for path, scope in site.app.state.rules if scope is OPEN}
    assert {path for path in found if not path.startswith("/login/")} == OPEN_ADDRESSES


def rest_cases(site):
    operations = {(operation.method, PREFIX + operation.path): operation.scope for operation in TABLE}
    for (method, path), scope in operations.items():
        yield method, path, scope
    asked = {path for _, path in operations}
    for route in routes(site.app):
        if isinstance(route, WebSocketRoute) or route.path in asked or route.path == "/events/{user_id}":
            continue  # the last is a channel, and asked for as one below
        for method in getattr(route, "methods", None) or {"GET", "POST"}:
            yield method, route.path, site.app.state.rules.need(filled(route.path)).scope


@pytest.mark.parametrize("who", WHO)
def test_every_address_asks_for_its_scope(site, who):
    """Without the scope 403 and without anything 401, whatever the method; with it the request is looked at."""
    for method, path, needed in sorted(set(rest_cases(site)), key=str):
        status, _, body = site.ask(method, filled(path), who, "" if method in ("GET", "HEAD") else "{}")
        if may(who, needed):
            assert status != 403 or "foreign_origin" in body, (method, path, who, body)
            assert status != 401 or needed is OPEN, (method, path, who, body)
        else:
            assert status == (401 if who is None else 403), (method, path, who, status)


@pytest.mark.parametrize("who", WHO)
def test_every_page_asks_for_its_scope(site, who):
    """And what Panel serves below it: the socket and the script."""
    for spec in PAGES:
        status, _, body = site.ask("GET", spec.path, who, Accept="text/html")
        assert status == (200 if may(who, spec.scope) else 401 if who is None else 403), (spec.path, who)
        assert ("bokeh" in body.lower()) is may(who, spec.scope)
        base = spec.path.rstrip("/")
        if not may(who, spec.scope):
            assert site.ask("GET", f"{base}/autoload.js", who)[0] in (401, 403)
            assert refused(site, f"{base}/ws", who)


def refused(site, path, who):
    shown = {} if who is None else {"Authorization": f"Bearer {site.keys[who]}"}
    try:
        with connect(f"ws://127.0.0.1:{site.port}{path}", additional_headers=shown, proxy=None):
            return False
    except InvalidStatus as error:
        return error.response.status_code == 403


def test_sockets_take_a_viewer(site):
    """Channels, one task and GraphQL open for every scope and for nobody without one."""
    for path in ("/ws", "/ws/tasks/x"):
        assert [refused(site, path, who) for who in WHO] == [True, False, False, False]
    assert refused(site, "/graphql", None)


@pytest.mark.parametrize("who", Scope)
def test_every_channel_is_authorised(site, who):
    """Viewers read every channel but other users' notifications, which are for admins; so do streams."""
    shown = {"Authorization": f"Bearer {site.keys[who]}"}
    channels = dict.fromkeys((*FIXED, "task:x", "events:task:*"), True) | {"user:somebody": who is Scope.ADMIN}
    with connect(f"ws://127.0.0.1:{site.port}/ws", additional_headers=shown, proxy=None) as socket:
        socket.recv(timeout=10)
        for name, is_open in channels.items():
            socket.send(json.dumps({"type": "subscribe", "channel": name}))
            answer = json.loads(socket.recv(timeout=10))
            assert answer["type"] == ("subscribed" if is_open else "error"), answer
    for name, is_open in channels.items():
        assert site.ask("GET", f"/api/v1/events/stream?channel={name}", who)[0] == (200 if is_open else 403)
    assert site.ask("GET", "/events/somebody", who)[0] == (200 if who is Scope.ADMIN else 403)


def literal(type):
    """Some value of an input type, as GraphQL text."""
    if isinstance(type, graphql.GraphQLNonNull):
        return literal(type.of_type)
    if isinstance(type, graphql.GraphQLList):
        return "[]"
    if isinstance(type, graphql.GraphQLInputObjectType):
        needed = {name: field for name, field in type.fields.items() if graphql.is_required_input_field(field)}
        return "{" + ", ".join(f"{name}: {literal(field.type)}" for name, field in needed.items()) + "}"
    return {"Int": "1", "Float": "1.0", "Boolean": "true", "Long": "1"}.get(type.name, '"nothing"')


def document_of(kind, name, field):
    required = {key: arg for key, arg in field.args.items() if graphql.is_required_argument(arg)}
    arguments = ", ".join(f"{key}: {literal(arg.type)}" for key, arg in required.items())
    inner = " { __typename }" if graphql.is_composite_type(graphql.get_named_type(field.type)) else ""
    return f"{kind} {{ {name}{f'({arguments})' if arguments else ''}{inner} }}"


@pytest.mark.parametrize("who", WHO)
def test_every_field_asks_for_its_scope(site, who):
    """Each field of Query and Mutation carries out an operation, and is refused without its scope."""
    made = graphql.build_schema(schema().as_str())
    needed = {camel(name_of(operation)): operation.scope for operation in TABLE} | {"tasks": Scope.VIEWER}
    for kind, place in (("query", made.query_type), ("mutation", made.mutation_type)):
        for name, field in place.fields.items():
            status, answer = site.post("/graphql", {"query": document_of(kind, name, field)}, who)
            codes = [error["extensions"]["code"] for error in answer.get("errors", ())]
            if who is None:
                assert (status, answer["code"]) == (401, "unauthenticated")
            else:
                assert ("access_denied" in codes) is not may(who, needed[name]), (name, who, answer)
    assert set(needed) >= {*made.query_type.fields, *made.mutation_type.fields}


@pytest.mark.parametrize("who", WHO)
def test_every_method_asks_for_its_scope(site, who):
    """Of every service, streams too; a method that the table of scopes does not know fails here."""
    known = scopes()
    shown = () if who is None else (("authorization", f"Bearer {site.keys[who]}"),)
    with serve_grpc(site.hub, "127.0.0.1", 0, "t" * 32) as server, grpc.insecure_channel(server.address) as channel:
        for service in services():
            for method in service.methods:
                code = code_of(channel, method, shown)
                needed = known[path_of(method)]
                assert not path_of(method).startswith(OPEN_METHODS)
                if who is None:
                    assert code is grpc.StatusCode.UNAUTHENTICATED
                else:
                    assert (code is grpc.StatusCode.PERMISSION_DENIED) is not may(who, needed), (path_of(method), who)


def code_of(channel, method, metadata):
    asked, answered = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
    kind = channel.unary_stream if method.server_streaming else channel.unary_unary
    call = kind(path_of(method), asked.SerializeToString, answered.FromString)
    try:
        answer = call(asked(), metadata=metadata, timeout=0.5 if method.server_streaming else 20)
        if method.server_streaming:
            next(answer)
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK


def test_a_change_leaves_an_entry_whatever_the_protocol(site):
    """Who, what, when and from where, by REST and by GraphQL; what is only read leaves none."""
    _, task = site.post("/api/v1/tasks", {"name": "audited", "payload": {"secret": "in content"}}, Scope.OPERATOR)
    mutation = f'mutation {{ cancelTask(id: "{task["id"]}", reason: "enough") {{ id }} }}'
    site.post("/graphql", {"query": mutation}, Scope.OPERATOR)
    site.ask("GET", f"/api/v1/tasks/{task['id']}", Scope.OPERATOR)
    entries = site.hub.audit.list(subject=task["id"]).entries
    assert [entry.action for entry in entries] == ["tasks.cancel", "tasks.create"]
    assert {(entry.actor_name, entry.via, entry.address) for entry in entries} == {("operator", "key", "127.0.0.1")}
    assert entries[0].details == {"reason": "enough"}
    assert "in content" not in str(entries)
    assert time.time() - entries[0].time.timestamp() < 60


def page_actions():
    """The operations that pages carry out, as their source names them."""
    text = "".join(file.read_text(encoding="utf-8") for file in Path(dashboards.__file__).parent.rglob("*.py"))
    named = set(re.findall(r"(?:carry_out,|\bact\()\s*\"(\w+\.\w+)\"", text))
    assert named <= set(OPERATIONS)
    return sorted(named | {f"tasks.{verb}" for verb in VERBS} | {f"agents.{verb}" for verb in MODES})


@pytest.mark.parametrize("who", Scope)
def test_every_page_action_asks_for_its_scope(site, who):
    """What a page changes is one of the contract's operations, carried out in the name of whoever is connected."""
    done = []
    actions = page_actions()
    assert {"tasks.cancel", "errors.change", "health.run", "agents.stop"} <= set(actions)
    for action in actions:
        needed = OPERATIONS[action].scope
        with acting_as(Identity(Kind.USER, "u1", "somebody", frozenset({who}))):
            if may(who, needed):
                carry_out(action, site.hub, lambda: done.append(1))
                assert site.hub.audit.list(action=action).entries[0].actor == "user:u1"
            else:
                with pytest.raises(AccessDenied):
                    carry_out(action, site.hub, lambda: done.append(1))
    assert len(done) == sum(may(who, OPERATIONS[action].scope) for action in actions)


def test_no_page_changes_anything_by_itself():
    """Handlers leave the session's loop only through `carry_out`; elsewhere pages ask questions."""
    found = {
        (file.name, line.strip())
        for file in Path(dashboards.__file__).parent.rglob("*.py")
        for line in file.read_text(encoding="utf-8").splitlines()
        if "to_thread(" in line and "carry_out" not in line
    }
    assert {name for name, _ in found} <= {"aside.py", "pulse.py"}, found
