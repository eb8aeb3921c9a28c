"use strict";
// Asks the GraphQL endpoint this page comes from. All text goes in as text, never as HTML.

const ENDPOINT = "/graphql";
const MOST_MESSAGES = 200; // of a subscription are shown

const EXAMPLES = {
  "Tasks by status": [
    "query GetTasks($status: String) {\n  tasks(status: $status, limit: 20) {\n    id\n    name\n    status\n" +
    "    progress {\n      percentage\n      message\n    }\n  }\n}", '{"status": "active"}'],
  "A page of tasks with their children": [
    "{\n  tasksPage(roots: true, limit: 10) {\n    items {\n      name\n      status\n      children(limit: 5) {\n" +
    "        name\n        status\n      }\n    }\n    next\n  }\n}", ""],
  "Make a task": [
    "mutation($payload: JSON) {\n  createTask(type: \"data_processing\", payload: $payload) {\n    id\n    status\n  }\n}",
    '{"payload": {"file_id": "file123"}}'],
  "Follow every event": [
    "subscription {\n  events(types: [\"task:*\", \"progress:updated\"]) {\n    cursor\n    event {\n      type\n" +
    "      subject\n      data\n    }\n    gap {\n      first\n      last\n    }\n  }\n}", ""],
  "Follow one task to its end": [
    "subscription($id: ID!) {\n  task(id: $id) {\n    status\n    progress {\n      current\n      total\n      eta\n    }\n  }\n}",
    '{"id": ""}'],
  "Errors and the health of the hub": [
    "{\n  issues(limit: 10) {\n    items {\n      title\n      culprit\n      count\n      lastSeen\n    }\n  }\n" +
    "  health {\n    status\n    checks\n  }\n}", ""],
};

const INTROSPECTION = `{ __schema { queryType { name } mutationType { name } subscriptionType { name } types {
  name kind description
  fields { name description args { name description type { ...T } defaultValue } type { ...T } }
  inputFields { name description type { ...T } defaultValue } } } }
fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }`;

const at = (id) => document.getElementById(id);

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// --- asking ---------------------------------------------------------------------------------------------------------

let socket = null;

function variables() {
  const text = at("variables").value.trim();
  at("variables-problem").textContent = "";
  if (!text) return {};
  try {
    return JSON.parse(text);
  } catch (error) {
    at("variables-problem").textContent = `The variables are not JSON: ${error.message}`;
    at("variables").focus();
    return null;
  }
}

function show(status, answer) {
  at("status").textContent = status;
  if (answer !== undefined) at("answer").textContent = JSON.stringify(answer, null, 2);
}

function busy(is) {
  at("run").disabled = is;
  at("stop").disabled = !is;
}

async function ask(query, values) {
  const started = performance.now();
  const response = await fetch(ENDPOINT, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify({ query, variables: values }),
  });
  if (response.status === 401) throw new Error("the token is missing: open the link that the server printed");
  const answer = await response.json();
  return { answer, milliseconds: Math.round(performance.now() - started) };
}

async function run(event) {
  event.preventDefault();
  const values = variables();
  if (values === null) return;
  stop();
  const query = at("query").value;
  if (/^\s*(#[^\n]*\n\s*)*subscription\b/.test(query)) {
    subscribe(query, values);
    return;
  }
  busy(true);
  show("Asking …");
  try {
    const { answer, milliseconds } = await ask(query, values);
    show(answer.errors ? `Refused: ${answer.errors[0].message}` : `Answered in ${milliseconds} ms.`, answer);
  } catch (error) {
    show(`No answer: ${error.message}`);
  } finally {
    busy(false);
  }
}

// The graphql-transport-ws protocol, https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
function subscribe(query, values) {
  const messages = [];
  const mine = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${ENDPOINT}`,
    "graphql-transport-ws");
  socket = mine;
  busy(true);
  show("Connecting …", []);
  const send = (message) => mine.send(JSON.stringify(message));
  const end = (status) => {
    if (socket !== mine) return;
    socket = null;
    busy(false);
    show(status);
    mine.close(1000);
  };
  const answers = {
    connection_ack: () => {
      send({ type: "subscribe", id: "1", payload: { query, variables: values } });
      show("Following; nothing has happened yet.");
    },
    ping: () => send({ type: "pong" }),
    next: (message) => {
      messages.unshift(message.payload);
      messages.length = Math.min(messages.length, MOST_MESSAGES);
      show("Following; the newest message is on top.", messages);
    },
    error: (message) => {
      show("", { errors: message.payload });
      end(`Refused: ${message.payload[0].message}`);
    },
    complete: () => end("The stream has ended."),
  };
  mine.onopen = () => send({ type: "connection_init" });
  mine.onmessage = (event) => {
    const message = JSON.parse(event.data);
    if (socket === mine && answers[message.type]) answers[message.type](message);
  };
  mine.onclose = (event) => end(`The connection ended${event.reason ? `: ${event.reason}` : "."}`);
}

function stop() {
  if (socket === null) return;
  const mine = socket;
  socket = null;
  mine.close(1000);
  busy(false);
  show("Stopped.");
}

// --- the schema -----------------------------------------------------------------------------------------------------

function nameOf(type) {
  if (type.kind === "NON_NULL") return `${nameOf(type.ofType)}!`;
  return type.kind === "LIST" ? `[${nameOf(type.ofType)}]` : type.name;
}

function innermost(type) {
  return type.ofType ? innermost(type.ofType) : type.name;
}

function reference(type) {
  const button = make("button", { type: "button", class: "link" }, nameOf(type));
  button.addEventListener("click", () => open(innermost(type)));
  return button;
}

function open(name) {
  at("search").value = "";
  filter();
  const element = document.querySelector(`[data-type="${CSS.escape(name)}"]`);
  if (element === null) return;
  element.open = true;
  element.querySelector("summary").focus();
  element.scrollIntoView({ block: "start" });
}

function field(given) {
  const line = make("dt", {}, make("code", {}, given.name), ": ", reference(given.type));
  const about = [];
  if (given.description) about.push(make("dd", {}, given.description));
  for (const argument of given.args || []) {
    const value = argument.defaultValue === null ? "" : ` = ${argument.defaultValue}`;
    const text = argument.description ? ` – ${argument.description}` : "";
    about.push(make("dd", {}, make("code", {}, argument.name), ": ", reference(argument.type), value, text));
  }
  return [line, ...about];
}

function block(type, isOpen) {
  const fields = type.fields || type.inputFields || [];
  const details = make("details", { "data-type": type.name, "data-words":
    [type.name, ...fields.map((one) => one.name)].join(" ").toLowerCase() });
  details.open = isOpen;
  details.append(make("summary", {}, make("code", {}, type.name)), make("p", { class: "soft" }, type.description || ""),
    make("dl", {}, ...fields.flatMap(field)));
  return details;
}

function filter() {
  const word = at("search").value.trim().toLowerCase();
  const blocks = [...document.querySelectorAll("[data-type]")];
  for (const one of blocks) one.hidden = word !== "" && !one.dataset.words.includes(word);
  at("found").textContent = word === "" ? "" : `${blocks.filter((one) => !one.hidden).length} types mention it.`;
}

async function loadSchema() {
  try {
    const { answer } = await ask(INTROSPECTION, {});
    const schema = answer.data.__schema;
    const roots = [schema.queryType, schema.mutationType, schema.subscriptionType].filter(Boolean).map((one) => one.name);
    const types = schema.types.filter((type) => !type.name.startsWith("__"));
    const rank = (type) => (roots.includes(type.name) ? roots.indexOf(type.name) : roots.length);
    types.sort((one, other) => rank(one) - rank(other) || one.name.localeCompare(other.name));
    at("schema").replaceChildren(...types.map((type) => block(type, false)));
  } catch (error) {
    at("schema").replaceChildren(make("p", { class: "bad" }, `The schema could not be read: ${error.message}`));
  }
}

// --- the page -------------------------------------------------------------------------------------------------------

function choose(name) {
  [at("query").value, at("variables").value] = EXAMPLES[name];
}

at("example").append(...Object.keys(EXAMPLES).map((name) => make("option", {}, name)));
at("example").addEventListener("change", (event) => choose(event.target.value));
at("ask").addEventListener("submit", run);
at("ask").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) at("ask").requestSubmit();
});
at("stop").addEventListener("click", stop);
at("search").addEventListener("input", filter);
choose(Object.keys(EXAMPLES)[0]);
loadSchema();
