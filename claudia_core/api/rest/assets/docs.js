"use strict";
// Renders the OpenAPI document. All text goes in as text, never as HTML.

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.filter((child) => child !== null));
  return element;
}

// Paragraphs, lists and `code`, which is all that the descriptions use.
function prose(text) {
  return text.split(/\n\s*\n/).map((part) => part.startsWith("* ")
    ? make("ul", { class: "points" }, ...part.slice(2).split("\n* ").map((point) => make("li", {}, ...inline(point))))
    : make("p", {}, ...inline(part)));
}

function inline(text) {
  return text.split(/(`[^`]+`)/).map((piece) =>
    piece.startsWith("`") && piece.length > 1 ? make("code", {}, piece.slice(1, -1)) : piece.replaceAll("**", ""));
}

function resolve(api, schema) {
  return schema && schema.$ref ? api.components.schemas[schema.$ref.split("/").pop()] : schema;
}

function sample(api, given, depth = 0) {
  const schema = resolve(api, given) || {};
  if (schema.examples) return schema.examples[0];
  if ("default" in schema && schema.default !== null) return schema.default;
  if (schema.anyOf) return sample(api, schema.anyOf[0], depth);
  if (schema.type === "object") return sampleObject(api, schema, depth);
  if (schema.type === "array") return depth > 4 ? [] : [sample(api, schema.items, depth + 1)];
  return { string: schema.format === "date-time" ? "2026-11-23T12:00:00Z" : "text", integer: 1, number: 1,
    boolean: false }[schema.type] ?? null;
}

function sampleObject(api, schema, depth) {
  const wanted = Object.entries(schema.properties || {}).filter(([name]) => depth || (schema.required || []).includes(name));
  return Object.fromEntries(wanted.map(([name, inner]) => [name, depth > 4 ? null : sample(api, inner, depth + 1)]));
}

function typeName(api, given) {
  const schema = given || {};
  if (schema.$ref) return schema.$ref.split("/").pop().replace("JsonValue", "any JSON");
  if (schema.anyOf) return schema.anyOf.map((kind) => typeName(api, kind)).join(" or ");
  if (schema.type === "array") return `list of ${typeName(api, schema.items)}`;
  return schema.format || schema.type || "any JSON";
}

function fieldsTable(api, given) {
  const schema = resolve(api, given) || {};
  const rows = Object.entries(schema.properties || {}).map(([name, inner]) => make("tr", {},
    make("td", {}, make("code", {}, name), (schema.required || []).includes(name) ? make("span",
      { class: "required", title: "required" }, " required") : null),
    make("td", {}, typeName(api, inner)), make("td", {}, inner.description || "")));
  const head = make("tr", {}, ...["Field", "Type", "Meaning"].map((text) => make("th", { scope: "col" }, text)));
  return rows.length ? make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows)) : null;
}

function parameterField(id, parameter) {
  const inputId = `${id}/${parameter.in}/${parameter.name}`;
  const input = make("input", { id: inputId, autocomplete: "off", spellcheck: "false" });
  input.required = Boolean(parameter.required);
  const list = parameter.schema.type === "array" ? ", comma between several" : "";
  const label = make("label", { for: inputId }, parameter.name, parameter.required ? make("span", { class: "required" },
    " required") : null, make("span", { class: "soft" }, ` ${parameter.description || `in the ${parameter.in}`}${list}`));
  return { parameter, input, element: make("div", {}, label, input) };
}

function request(path, method, fields, body) {
  const url = new URL(path, location.origin), headers = {};
  for (const { parameter, input } of fields) {
    if (input.value === "") continue;
    if (parameter.in === "path") {
      url.pathname = decodeURI(url.pathname).replace(`{${parameter.name}}`, encodeURIComponent(input.value));
    } else if (parameter.in === "header") headers[parameter.name] = input.value;
    else {
      const several = parameter.schema.type === "array" ? input.value.split(",").map((text) => text.trim()) : [input.value];
      several.forEach((value) => url.searchParams.append(parameter.name, value));
    }
  }
  if (body !== null) headers["Content-Type"] = "application/json";
  return { url, options: { method, headers, body: body === null ? undefined : body } };
}

function curl({ url, options }) {
  const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const headers = Object.entries({ Authorization: "Bearer TOKEN", ...options.headers });
  return ["curl", ...(options.method === "GET" ? [] : ["-X", options.method]), quote(url.href),
    ...headers.flatMap(([name, value]) => ["-H", quote(`${name}: ${value}`)]),
    ...(options.body === undefined ? [] : ["--data-binary", quote(options.body)])].join(" ");
}

async function show(asked, output) {
  const started = performance.now();
  try {
    const answer = await fetch(asked.url, asked.options);
    const text = await answer.text(), took = Math.round(performance.now() - started);
    let shown = text;
    try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { /* it is no JSON: shown as it is */ }
    const tag = answer.headers.get("etag");
    output.replaceChildren(
      make("p", { class: answer.ok ? "status" : "status bad" }, `${answer.status} ${answer.statusText}, ${took} ms`,
        tag ? `, ETag ${tag}` : ""),
      make("pre", { tabindex: "0", "aria-label": "Answer" }, shown));
  } catch (error) {
    output.replaceChildren(make("p", { class: "status bad" }, `No answer: ${error.message}`));
  }
}

function tryOut(api, path, method, operation) {
  const fields = (operation.parameters || []).map((parameter) => parameterField(operation.operationId, parameter));
  const content = operation.requestBody && operation.requestBody.content["application/json"];
  const bodyId = `${operation.operationId}/body`;
  const body = content ? make("textarea", { id: bodyId, spellcheck: "false" }) : null;
  if (body) body.value = JSON.stringify(content.example ?? sample(api, content.schema), null, 2);
  const output = make("div", { role: "status" }), send = make("button", { type: "submit" }, "Send");
  const form = make("form", {}, make("div", { class: "fields" }, ...fields.map((field) => field.element)),
    body ? make("label", { for: bodyId }, "Body") : null, body, send, output);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const asked = request(path, method.toUpperCase(), fields, body ? body.value : null);
    send.disabled = true;
    await show(asked, output);
    output.append(make("h3", {}, "The same from a shell"), make("pre", { tabindex: "0", "aria-label": "Command" }, curl(asked)));
    send.disabled = false;
  });
  return form;
}

function responses(api, operation) {
  return Object.entries(operation.responses).flatMap(([status, response]) => {
    const content = Object.values(response.content || {})[0];
    const table = status < "300" && content ? fieldsTable(api, content.schema) : null;
    return [make("h3", {}, `${status}`), ...prose(response.description || ""), ...(table ? [table] : [])];
  });
}

function section(api, path, method, operation) {
  const summary = make("summary", {}, make("span", { class: `method ${method}` }, method.toUpperCase()),
    make("span", { class: "path" }, path), make("span", { class: "soft" }, operation.summary || ""));
  const details = make("details", { class: "operation", id: operation.operationId }, summary);
  details.addEventListener("toggle", () => {
    if (!details.open || details.children.length > 1) return;
    const content = operation.requestBody && operation.requestBody.content["application/json"];
    const table = content ? fieldsTable(api, content.schema) : null;
    details.append(make("div", {}, ...prose(operation.description || ""),
      table ? make("h3", {}, "Fields of the body") : null, table, make("h3", {}, "Try it"),
      tryOut(api, path, method, operation), make("h3", {}, "Answers"), ...responses(api, operation)));
  });
  return details;
}

function codes(api) {
  const rows = api.components.schemas.Problem.properties.code.enum.map((code) =>
    make("tr", { id: code }, make("td", {}, make("code", {}, code)), make("td", {}, statusesOf(api, code))));
  const head = make("tr", {}, make("th", { scope: "col" }, "Code"), make("th", { scope: "col" }, "Status and meaning"));
  return [make("h2", { id: "problems" }, "Problems"), make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows))];
}

function statusesOf(api, code) {
  const found = api.components.schemas.Problem["x-codes"][code];
  return `${found.status}: ${found.title}`;
}

function filtering(api) {
  const filter = document.getElementById("filter"), found = document.getElementById("found");
  filter.addEventListener("input", () => {
    const words = filter.value.toLowerCase().split(/\s+/);
    let number = 0;
    for (const item of document.querySelectorAll("details.operation")) {
      const text = `${item.id} ${item.querySelector("summary").textContent}`.toLowerCase();
      item.hidden = !words.every((word) => text.includes(word));
      number += item.hidden ? 0 : 1;
    }
    found.textContent = filter.value ? `${number} found` : "";
  });
}

function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  if (target.tagName === "DETAILS") target.open = true;
  target.scrollIntoView();
}

function render(api) {
  const byTag = new Map();
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const tag = (operation.tags || ["other"])[0];
      byTag.set(tag, [...(byTag.get(tag) || []), [path, method, operation]]);
    }
  }
  const main = document.getElementById("content"), nav = document.getElementById("nav");
  document.getElementById("version").textContent = `version ${api.info.version}`;
  main.replaceChildren(...prose(api.info.description));
  for (const [tag, operations] of byTag) {
    main.append(make("h2", { id: `tag-${tag}` }, tag), ...operations.map((entry) => section(api, ...entry)));
    nav.append(make("h2", {}, tag), make("ul", {}, ...operations.map(([, , operation]) =>
      make("li", {}, make("a", { href: `#${operation.operationId}` }, operation.summary || operation.operationId)))));
  }
  main.append(...codes(api));
  filtering(api);
  window.addEventListener("hashchange", openTarget);
  openTarget();
}

fetch("/api/openapi.json").then((answer) => answer.json()).then(render).catch((error) => {
  document.getElementById("loading").textContent = `The document cannot be read: ${error.message}`;
});
