// What the browser does for Claudia's own parts. All text goes through textContent: nothing that a user supplies is ever
// read as markup. Python sends what changed; times and running durations tick here, at no cost for the server.

const h = (tag, attrs = {}, ...children) => {
  const node = document.createElement(tag)
  for (const [name, value] of Object.entries(attrs)) {
    if (value != null && value !== false) { node.setAttribute(name, value) }
  }
  node.append(...children.filter((child) => child != null))
  return node
}

// --- time ------------------------------------------------------------------------------------------------------------

const STEPS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]]

function span(seconds) {
  if (seconds < 10) { return `${Math.max(0, seconds).toFixed(1)} s` }
  const at = STEPS.findIndex(([size]) => seconds >= size)
  const [size, unit] = STEPS[at]
  const whole = Math.floor(seconds / size)
  const next = STEPS[at + 1]
  const rest = next ? Math.floor((seconds - whole * size) / next[0]) : 0
  return rest ? `${whole} ${unit} ${rest} ${next[1]}` : `${whole} ${unit}`
}

const ago = (seconds) => (Math.abs(seconds) < 5 ? "just now" : seconds < 0 ? `in ${span(-seconds)}` : `${coarse(seconds)} ago`)
const coarse = (seconds) => {
  const [size, unit] = STEPS.find(([size]) => seconds >= size) ?? STEPS[3]
  return `${Math.floor(seconds / size)} ${unit}`
}
const left = (seconds) => (seconds < -30 ? "overdue" : seconds <= 1 ? "soon" : span(Math.max(10, Math.round(seconds))))
const CLOCKS = {
  ago: (node, now) => ago((now - node._from) / 1000),
  span: (node, now) => span(((node._to ?? now) - node._from) / 1000),
  left: (node, now) => left((node._from - now) / 1000),
}
const ticking = new Set()

function tick(node) {
  const text = CLOCKS[node._clock](node, Date.now())
  if (node.textContent !== text) { node.textContent = text }
}

setInterval(() => {
  for (const node of ticking) {
    if (node.isConnected) { tick(node) } else { ticking.delete(node) }
  }
}, 1000)

function clock(kind, from, to = null) {
  const node = h("time", {datetime: from, title: new Date(from).toLocaleString()})
  node._clock = kind
  node._from = Date.parse(from)
  node._to = to == null ? null : Date.parse(to)
  if (to == null) { ticking.add(node) }
  tick(node)
  return node
}

// --- cells: a kind each ----------------------------------------------------------------------------------------------

const dash = () => h("span", {class: "none", title: "not known"}, "–")

function link(value) {
  return relink(h("span", {class: "stack"}, h("a", {class: "name"}), h("span", {class: "hint"})), value)
}

function relink(node, value) {  // in place: whoever has the focus on it, or is just clicking it, keeps it
  const [anchor, hint] = node.children
  const set = (name, text) => { if (text == null) { anchor.removeAttribute(name) } else { anchor.setAttribute(name, text) } }
  set("href", value.href)
  set("title", value.text)
  set("data-key", value.key)
  if (anchor.textContent !== value.text) { anchor.textContent = value.text }
  hint.textContent = hint.title = value.hint ?? ""
  hint.hidden = !value.hint
  return node
}

function status(value) {
  return h("span", {class: `status ${value.tone ?? value.word}`}, h("span", {class: "mark", "aria-hidden": "true"}, value.mark), value.word)
}

function progress(value) {
  const known = value.percent != null
  const bar = h("span", {
    class: `bar ${value.word}${known ? "" : " open"}`, role: "progressbar", "aria-label": value.name, "aria-valuemin": 0,
    "aria-valuemax": 100, "aria-valuenow": known ? Math.floor(value.percent + 1e-9) : null, "aria-valuetext": value.label,
  }, h("span", {class: "fill", style: `width:${known ? value.percent : 100}%`}))
  return h("span", {class: "progress"}, bar, h("span", {class: "label", title: value.label}, value.label))
}

function move(node, value) {  // the bar of a progress cell glides instead of being made anew
  const bar = node.firstChild
  bar.firstChild.style.width = `${value.percent ?? 100}%`
  bar.className = `bar ${value.word}${value.percent == null ? " open" : ""}`
  if (value.percent != null) { bar.setAttribute("aria-valuenow", Math.floor(value.percent + 1e-9)) }
  bar.setAttribute("aria-valuetext", value.label)
  node.lastChild.textContent = node.lastChild.title = value.label
  return node
}

function code(value) {
  return h("div", {class: "code"}, copier(value, "Copy"), h("pre", {tabindex: 0}, value))
}

function copier(text, label) {
  const button = h("button", {type: "button", class: "copy", "aria-label": `${label}: ${text.slice(0, 60)}`}, label)
  button.onclick = async (event) => {
    event.stopPropagation()
    try { await navigator.clipboard.writeText(text) } catch { select_copy(text) }
    button.textContent = "Copied"
    setTimeout(() => { button.textContent = label }, 1500)
  }
  return button
}

function select_copy(text) {  // where the clipboard is closed to scripts: plain http on another host
  const area = h("textarea")
  area.value = text
  document.body.append(area)
  area.select()
  document.execCommand("copy")
  area.remove()
}

function spark(value) {  // a bar for each hour, the present one last
  const most = Math.max(1, ...value.counts)
  const bars = value.counts.map((count) => h("i", {style: `height:${count ? Math.max(12, Math.round(100 * count / most)) : 4}%`, class: count ? "some" : ""}))
  return h("span", {class: `spark ${value.tone ?? ""}`, role: "img", "aria-label": value.label, title: value.label}, ...bars)
}

function days(value) {  // a bar for each day, the present one last; how high it is tells what its colour does
  const bars = value.days.map((tone, at) => h("i", {class: tone, title: value.titles?.[at]}))
  return h("span", {class: "days", role: "img", "aria-label": value.label, title: value.titles ? null : value.label}, ...bars)
}

const KINDS = {
  text: (value) => h("span", {class: "text", title: String(value)}, String(value)),
  link, status, progress, code, spark, days,
  ago: (value) => clock("ago", value),
  when: (value) => h("span", {}, clock("ago", value), h("span", {class: "hint"}, ` · ${new Date(value).toLocaleString()}`)),
  span: (value) => clock("span", value.from, value.to),
  left: (value) => clock("left", value),
  links: (value) => h("span", {class: "links"}, ...value.map((one) => h("a", {class: "name", href: one.href, title: one.text, "data-key": one.key}, one.text))),
  tags: (value) => h("span", {class: "tags"}, ...value.map((tag) => h("span", {class: "tag", title: tag}, tag))),
  heading: (value) => h("h2", {}, value),
  moment: (value) => h("time", {datetime: value, class: "text"}, new Date(value).toLocaleString()),
  id: (value) => h("span", {class: "id"}, h("code", {}, value), copier(value, "Copy")),
}

function cell(kind, value) {
  if (value == null || value === "" || (Array.isArray(value) && !value.length)) { return kind === "tags" ? h("span") : dash() }
  return kind === "any" ? cell(...value) : (KINDS[kind] ?? KINDS.text)(value)
}

// --- Rows: a live table, or a list of facts --------------------------------------------------------------------------

class Grid {
  constructor(model) {
    this.model = model
    this.columns = model.columns
    this.known = new Map()
    this.waiting = model.waiting
    this.body = h("tbody", {role: "rowgroup"})
    this.zero = h("div", {class: "zero", role: "note"})
    this.heads = this.columns.map((column) => this.head(column))
    this.picking = model.selects ? new Picking(this) : null
    const head = h("thead", {role: "rowgroup"}, h("tr", {role: "row"}, this.picking?.head, ...this.heads))
    const sorts = this.columns.some((column) => column.sort) ? " sorts" : ""
    this.table = h("table", {role: "table", "aria-label": model.label, class: model.layout + sorts}, head, this.body)
    this.rows = h("div", {class: "grid"}, this.table, this.zero)
    this.root = model.title ? h("section", {class: "card"}, model.title.trim() ? h("h2", {}, model.title) : null, this.rows) : this.rows
    this.body.onclick = (event) => this.click(event)
    this.body.onkeydown = (event) => this.key(event)
    this.apply({order: model.initial.map((row) => row.id), rows: Object.fromEntries(model.initial.map((row) => [row.id, row]))})
  }

  head(column) {
    const label = column.sort ? h("button", {type: "button", class: "sort"}, column.label, h("span", {class: "turn", "aria-hidden": "true"})) : column.label
    const head = h("th", {...this.marks(column), role: "columnheader", scope: "col"}, label)
    if (column.sort) { label.onclick = () => this.model.send_msg({sort: column.sort}) }
    return head
  }

  sorted(sort) {  // the head that rows are ordered by says so, and its arrow shows which way
    this.columns.forEach((column, at) => {
      if (!column.sort) { return }
      const mine = sort.replace("-", "") === column.sort
      const turn = !mine ? "none" : sort.startsWith("-") ? "descending" : "ascending"
      this.heads[at].setAttribute("aria-sort", turn)
      this.heads[at].querySelector(".turn").textContent = {none: "", ascending: "▲", descending: "▼"}[turn]
    })
  }

  marks(column) {
    return {class: `k-${column.kind} c-${column.key} p${column.priority}`}
  }

  apply(change) {
    for (const [id, values] of Object.entries(change.rows ?? {})) { this.update(id, values) }
    if (change.order) { this.arrange(change.order); this.picking?.draw() }
    this.waiting = change.waiting ?? this.waiting
    this.rows.setAttribute("aria-busy", String(this.waiting))
    this.empty(change.zero)
  }

  empty(words) {
    this.words = words ?? this.words ?? this.model.zero
    const none = this.known.size === 0
    this.table.hidden = none
    this.zero.hidden = !none
    if (!none) { return }
    if (this.waiting) { this.zero.replaceChildren(...[70, 45, 60].map((width) => h("span", {class: "skeleton", style: `width:${width}%`}))); return }
    const [title, text, sample] = this.words
    this.zero.replaceChildren(...[h("strong", {}, title ?? ""), h("span", {}, text ?? ""), sample ? code(sample) : null].filter(Boolean))
  }

  update(id, values) {
    const row = this.known.get(id) ?? this.add(id)
    this.columns.forEach((column, at) => {
      if (!(column.key in values)) { return }
      const value = values[column.key]
      const td = row.children[at + (this.picking ? 1 : 0)]
      const old = td.firstChild
      if (column.kind === "progress" && old?.className === "progress" && value != null) { move(old, value); return }
      if (column.kind === "link" && old?.className === "stack" && value != null) { relink(old, value); return }
      td.replaceChildren(cell(column.kind, value))
      td.classList.toggle("blank", value == null || value === "" || value.length === 0)
    })
    if (values.name && this.picking) { row.firstChild.firstChild.setAttribute("aria-label", `Select ${values.name.text}`) }
    if ("tone" in values) { row.className = values.tone ?? "" }
  }

  add(id) {
    const tds = this.columns.map((column) => h("td", {...this.marks(column), role: "cell", "data-label": column.label}))
    const row = h("tr", {role: "row", "data-id": id}, this.picking?.box(), ...tds)
    this.known.set(id, row)
    return row
  }

  arrange(order) {
    const wanted = new Set(order)
    for (const [id, row] of this.known) {
      if (!wanted.has(id)) { row.remove(); this.known.delete(id) }
    }
    let at = this.body.firstChild
    for (const id of order) {
      const row = this.known.get(id)
      if (row === at) { at = at.nextSibling } else { this.body.insertBefore(row, at) }
    }
  }

  click(event) {
    const box = event.target.closest(".pick")
    if (box) { this.picking.click(event, box); return }
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button || !this.model.opens) { return }
    const anchor = event.target.closest("a") ?? (event.target.closest("button,pre,.code") ? null : event.target.closest("tr")?.querySelector("a[data-key]"))
    if (!anchor || String(getSelection()) !== "") { return }
    if (this.model.opens === "here" && anchor.dataset.key) {
      event.preventDefault()
      this.model.send_msg({open: anchor.dataset.key})
    } else if (anchor !== event.target) { anchor.click() }
  }

  key(event) {
    if (event.target.closest(".pick")) { this.picking.key(event); return }
    const step = {ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling"}[event.key]
    const near = step && event.target.closest("tr")?.[step]?.querySelector("a")
    if (near) { event.preventDefault(); near.focus() }
  }
}

// Which rows are selected: by mouse, with shift for all between, and with the arrow keys. A row keeps its mark while it
// moves, leaves the page and comes back.
class Picking {
  constructor(grid) {
    this.grid = grid
    this.picked = new Set()
    this.last = null
    this.all = h("input", {type: "checkbox", "aria-label": "Select all on this page"})
    this.all.onchange = () => this.set([...grid.known.keys()], this.all.checked)
    this.head = h("th", {role: "columnheader", scope: "col", class: "pick"}, this.all)
  }

  box() {
    return h("td", {role: "cell", class: "pick"}, h("input", {type: "checkbox", "aria-label": "Select"}))
  }

  set(ids, on) {
    for (const id of ids) { on ? this.picked.add(id) : this.picked.delete(id) }
    this.draw()
    this.grid.model.send_msg({pick: ids, on})
  }

  only(ids) { this.picked = new Set(ids); this.draw() }

  draw() {
    let here = 0
    for (const [id, row] of this.grid.known) {
      const on = this.picked.has(id)
      row.firstChild.firstChild.checked = on
      row.setAttribute("aria-selected", String(on))
      here += on ? 1 : 0
    }
    this.all.checked = here > 0 && here === this.grid.known.size
    this.all.indeterminate = here > 0 && !this.all.checked
  }

  click(event, cell) {
    const row = cell.parentNode
    const on = !this.picked.has(row.dataset.id)
    const rows = [...this.grid.body.children]
    const [from, to] = [this.last, row].map((one) => rows.indexOf(one))
    const between = event.shiftKey && from >= 0 ? rows.slice(Math.min(from, to), Math.max(from, to) + 1) : [row]
    this.last = row
    this.set(between.map((one) => one.dataset.id), on)
  }

  key(event) {
    const step = {ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling"}[event.key]
    const row = event.target.closest("tr")
    const near = step && row?.[step]
    if (!near) { return }
    event.preventDefault()
    near.querySelector(".pick input").focus()
    if (event.shiftKey) { this.last = near; this.set([near.dataset.id], this.picked.has(row.dataset.id)) }
  }
}

function rows({model, el}) {
  const grid = new Grid(model)
  grid.sorted(model.sort)
  model.on("sort", () => grid.sorted(model.sort))
  // The answers after the paint are the back-pressure: a slow or hidden page gets one later, larger change instead of a queue.
  let answered = false
  model.on("msg:custom", (message) => {
    if (message.picked) { grid.picking?.only(message.picked); return }
    answered = true
    grid.apply({...message, ...(message.change ? JSON.parse(message.change) : {})})
    if (message.ask) { requestAnimationFrame(() => model.send_msg({painted: message.ask})) }
  })
  const knock = (patience) => {  // a message from a part that was added just now may get lost
    model.send_msg({ready: model.edition, rows: grid.known.size})
    setTimeout(() => { if (!answered && grid.root.isConnected) { knock(Math.min(10000, patience * 2)) } }, patience)
  }
  knock(1000)
  return grid.root
}

// --- Plots: bars or lines over time, as SVG with places in percent, so that they fit every width ----------------------

const PLOT = {height: 216, top: 8, floor: 192, gap: 0.2}
const PLAIN = [1, 2, 5].flatMap((step) => [...Array(13).keys()].map((power) => step * 10 ** power)).sort((a, b) => a - b)
const TIMES = [...[0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800],
  ...[1, 2, 3, 6, 12, 24, 48, 120, 240].map((hours) => hours * 3600)]
const LABELS = [60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 86400]

function svg(tag, attrs = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag)
  for (const [name, value] of Object.entries(attrs)) { node.setAttribute(name, value) }
  node.append(...children)
  return node
}

function lasting(seconds) {  // as `frames.lasting`
  if (seconds == null) { return "–" }
  const digits = (value) => (value < 99.5 ? String(Number(value.toPrecision(2))) : Math.round(value).toLocaleString("en"))
  for (const [size, unit] of STEPS) {
    if (seconds >= size * 0.995) { return `${digits(seconds / size)} ${unit}` }
  }
  return seconds < 0.0995 ? `${Number(Math.max(1, seconds * 1e3).toPrecision(3))} ms` : `${Math.round(seconds * 1e3)} ms`
}

class Plotted {
  constructor(model) {
    this.model = model
    this.keys = model.columns.map((column) => column.key)
    this.places = model.series.map((series) => this.keys.indexOf(series.key))
    this.value = model.unit === "s" ? lasting : (value) => value.toLocaleString("en")
    this.axis = svg("svg", {class: "axis", height: PLOT.height, "aria-hidden": "true"})
    this.plot = svg("svg", {class: "drawing", height: PLOT.height, role: "img", "aria-label": `${model.title}. The same as a table: the button below.`})
    this.figure = h("div", {class: "plot"}, this.axis, this.plot)
    this.zero = h("div", {class: "zero", role: "note"}, h("strong", {}, model.zero[0]), h("span", {}, model.zero[1]))
    const marks = model.series.map((series) => h("span", {}, h("b", {style: `background:${series.colour}`, "aria-hidden": "true"}), series.name))
    this.button = h("button", {type: "button", "aria-pressed": "false", "data-key": "table"}, "Show as table")
    this.button.onclick = () => this.turn()
    this.choices = h("div", {class: "choices twin"}, this.button)
    this.twin = h("div", {hidden: ""})
    this.root = h("section", {class: "card plotted"}, h("h2", {}, model.title), h("div", {class: "legend"}, ...marks), this.figure, this.zero, this.twin, this.choices)
    this.draw()
  }

  get tabular() { return this.button.getAttribute("aria-pressed") === "true" }

  turn() {
    this.button.setAttribute("aria-pressed", String(!this.tabular))
    this.draw()
  }

  drawn(point) { return this.places.map((place) => point[place]) }

  draw() {
    const points = this.model.shown
    const heights = points.map((point) => (this.model.kind === "stack" ? this.drawn(point).reduce((a, b) => a + b, 0) : Math.max(0, ...this.drawn(point))))
    const top = Math.max(0, ...heights)
    this.zero.hidden = top > 0 || this.tabular
    this.figure.hidden = top === 0 || this.tabular
    this.choices.hidden = top === 0 && !this.tabular
    this.twin.hidden = !this.tabular
    if (this.tabular) { this.fill(points) }
    if (this.figure.hidden) { return }
    const step = (this.model.unit === "s" ? TIMES : PLAIN).find((one) => one * 4 >= top) ?? top / 4
    const lines = [...Array(Math.ceil(top / step - 1e-9) + 1).keys()].map((n) => n * step)
    const y = (value) => PLOT.floor - (PLOT.floor - PLOT.top) * value / lines.at(-1)
    const marks = this.model.kind === "stack" ? this.bars(points, y) : this.lines(points, y)
    const labels = lines.map((line) => svg("text", {x: "100%", y: y(line) + 4, "text-anchor": "end"}, line ? this.value(line) : "0"))
    this.axis.replaceChildren(...labels)
    this.axis.style.width = `${Math.max(...labels.map((label) => label.textContent.length)) * 7 + 4}px`
    const grid = lines.map((line) => svg("line", {class: line ? "grid" : "floor", x1: 0, x2: "100%", y1: Math.round(y(line)) + 0.5, y2: Math.round(y(line)) + 0.5}))
    this.plot.replaceChildren(...grid, ...marks, ...this.times(points))
  }

  bars(points, y) {
    const width = 100 / points.length
    return points.flatMap((point, at) => {
      let base = 0
      const place = {x: `${(at + PLOT.gap / 2) * width}%`, width: `${width * (1 - PLOT.gap)}%`}
      const parts = this.drawn(point).map((value, n) => {
        const [low, high] = [y(base), y(base += value)]
        return value ? svg("rect", {...place, y: high, height: Math.max(1, low - high), fill: this.model.series[n].colour}) : null
      }).filter(Boolean)
      return parts.length ? [this.told(point, at * width, width, ...parts)] : []
    })
  }

  lines(points, y) {
    const width = 100 / points.length
    const x = (at) => (at + 0.5) * width
    const paths = svg("svg", {viewBox: `0 0 100 ${PLOT.height}`, preserveAspectRatio: "none", width: "100%", height: PLOT.height})
    const marks = []
    this.places.forEach((place, n) => {
      const colour = this.model.series[n].colour
      let d = ""
      points.forEach((point, at) => {
        if (point[place] == null) { return }
        d += `${d && points[at - 1][place] != null ? "L" : "M"}${x(at)} ${y(point[place])}`
        const spot = {x: `${x(at)}%`, y: y(point[place])}
        marks.push(n ? svg("rect", {...spot, width: 7, height: 7, transform: "translate(-3.5 -3.5)", fill: colour}) : svg("circle", {cx: spot.x, cy: spot.y, r: 4, fill: colour}))
      })
      paths.append(svg("path", {d, fill: "none", stroke: colour, "stroke-width": 2, "vector-effect": "non-scaling-stroke"}))
    })
    const hits = points.flatMap((point, at) => (this.drawn(point).some((value) => value != null) ? [this.told(point, at * width, width)] : []))
    return [paths, ...marks, ...hits]
  }

  told(point, left, width, ...parts) {  // what the pointer hears of a stretch
    const values = this.drawn(point).map((value, n) => (value ? `${this.model.series[n].name} ${this.value(value)}` : null)).filter(Boolean)
    const title = svg("title", {}, `${this.clock(point[0])}: ${values.join(", ")}`)
    return svg("g", {}, title, svg("rect", {class: "hit", x: `${left}%`, width: `${width}%`, y: PLOT.top, height: PLOT.floor - PLOT.top}), ...parts)
  }

  clock(seconds) { return new Date(seconds * 1e3).toLocaleTimeString([], {hour: "2-digit", minute: "2-digit"}) }

  times(points) {
    const [first, length] = [points[0][0], points.length * this.model.step]
    const every = LABELS.find((one) => length / one <= 6) ?? length
    const found = []
    for (let at = Math.ceil(first / every) * every; at < first + length; at += every) {
      const x = 100 * (at - first) / length
      const rare = at / every % 2 ? "rare" : ""
      if (x > 4 && x < 96) { found.push(svg("text", {x: `${x}%`, y: PLOT.height - 6, "text-anchor": "middle", class: rare}, this.clock(at))) }
    }
    return found
  }

  fill(points) {
    const {columns, label, zero} = this.model
    if (!this.grid) {
      this.grid = new Grid({columns, label, zero, initial: [], layout: "table", waiting: false, opens: "", title: "", selects: false})
      this.twin.append(this.grid.root)
    }
    const drawn = new Set(this.places)
    const cells = (point) => columns.map((column, n) => [column.key, n === 0 ? new Date(point[0] * 1e3).toISOString() : drawn.has(n) ? this.value(point[n]) : (point[n] ?? 0).toLocaleString("en")])
    const some = points.filter((point) => point.slice(1).some(Boolean)).reverse()
    this.grid.apply({rows: Object.fromEntries(some.map((point) => [point[0], Object.fromEntries(cells(point))])), order: some.map((point) => String(point[0]))})
  }
}

function plot({model}) {
  const plotted = new Plotted(model)
  model.on("shown", () => plotted.draw())
  return plotted.root
}

// --- tiles and tabs --------------------------------------------------------------------------------------------------

function tile(item) {
  return h("a", {class: `tile ${item.tone ?? ""}`, href: item.href}, h("span", {class: "label"}, item.label),
    h("span", {class: "value"}, h("b", {}, item.value), item.unit ? h("small", {}, item.unit) : null), h("span", {class: "hint"}, item.hint))
}

function tiles({model}) {
  const list = h("div", {class: "figures", role: "group", "aria-label": model.label})
  const draw = () => list.replaceChildren(...model.items.map(tile))
  model.on("items", draw)
  draw()
  return list
}

function tabs({model}) {
  const list = h("div", {class: "choices", role: "group", "aria-label": model.label})
  const draw = () => list.replaceChildren(...model.items.map((item) => {
    const count = item.count == null ? null : h("span", {class: "count"}, item.count)
    const mark = item.mark ? h("span", {class: `mark ${item.key}`, "aria-hidden": "true"}, item.mark) : null
    const button = h("button", {type: "button", "aria-pressed": String(item.key === model.value), "data-key": item.key}, mark, item.label, count)
    button.onclick = () => model.send_msg({choose: item.key})
    return button
  }))
  model.on(["items", "value"], () => {
    const focused = list.getRootNode().activeElement?.dataset?.key
    draw()
    if (focused != null) { list.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus() }
  })
  draw()
  return list
}

// Fields to filter by: text with what it may be, or a choice. What is being typed is not overwritten.
function fields({model}) {
  const list = h("div", {class: "fields", role: "search", "aria-label": model.label})
  const known = new Map()
  const make = (item) => {
    const field = item.choices ? h("select", {}) : h("input", {type: "search", autocomplete: "off", spellcheck: "false", maxlength: 200, placeholder: item.hint ?? ""})
    const offers = item.offers ? h("datalist", {id: `offers-${item.key}`}) : null
    if (offers) { field.setAttribute("list", offers.id) }
    let timer = null
    const tell = () => { clearTimeout(timer); timer = null; model.send_msg({field: item.key, value: field.value}) }
    if (!item.enter) { field.oninput = () => { clearTimeout(timer); timer = setTimeout(tell, item.choices ? 0 : 250) } }
    field.onchange = () => { if (timer != null || (item.enter && field.value)) { tell() } }
    const node = h("label", {class: `field f-${item.key}`}, h("span", {}, item.label), field, offers)
    known.set(item.key, {field, offers, busy: () => timer != null})
    list.append(node)
    return known.get(item.key)
  }
  const option = ([value, label]) => h("option", {value}, label ?? value)
  const draw = () => {
    for (const item of model.items) {
      const {field, offers, busy} = known.get(item.key) ?? make(item)
      const options = item.choices ?? item.offers ?? []
      if (field._options !== (field._options = JSON.stringify(options))) { (item.choices ? field : offers)?.replaceChildren(...options.map(option)) }
      const typing = field === list.getRootNode().activeElement && !item.choices && (item.enter || item.value !== "")
      if (!busy() && !typing && field.value !== item.value) { field.value = item.value }
    }
  }
  model.on("items", draw)
  draw()
  return list
}

// --- Strip and Graph: states at a glance, and what leads to what ---------------------------------------------------------

function strip({model}) {
  const list = h("div", {class: "chips", role: "navigation", "aria-label": model.label})
  const draw = () => list.replaceChildren(...model.items.map((item) => h("a", {class: "chip", href: item.href, title: item.hint},
    status(item), h("span", {class: "what"}, item.label))))
  model.on("items", draw)
  draw()
  return list
}

const BOX = {width: 178, height: 44, right: 56, below: 12}

function graph({model}) {
  const place = (item) => [2 + item.x * (BOX.width + BOX.right), 2 + item.y * (BOX.height + BOX.below)]
  const line = ({from, to, on}) => {
    const [[x, y], [u, v]] = [place(model.items[from]), place(model.items[to])]
    const [start, half, end] = [x + BOX.width, BOX.height / 2, u - 7]
    const bend = `M${start} ${y + half} C${start + 26} ${y + half} ${end - 26} ${v + half} ${end} ${v + half}`
    return [svg("path", {d: bend, class: on ? "line on" : "line"}), svg("path", {d: `M${end} ${v + half - 4} l7 4 l-7 4 z`, class: on ? "tip on" : "tip"})]
  }
  const box = (item) => {
    const [x, y] = place(item)
    const node = h("a", {class: "box", href: item.href, style: `left:${x}px;top:${y}px`, title: item.label}, h("span", {class: "what"}, item.label), status(item))
    node.onclick = (event) => {
      if (event.metaKey || event.ctrlKey || event.shiftKey) { return }
      event.preventDefault()
      model.send_msg({open: item.label})
    }
    return node
  }
  const root = h("div", {class: "graph", role: "group", "aria-label": model.label})
  const draw = () => {
    if (!model.items.length) { root.replaceChildren(); return }
    const focused = root.getRootNode().activeElement?.title
    const [across, down] = [Math.max(...model.items.map((item) => item.x + 1)), Math.max(...model.items.map((item) => item.y + 1))]
    const size = {width: across * (BOX.width + BOX.right) - BOX.right + 4, height: down * (BOX.height + BOX.below) + 4}
    const inner = h("div", {class: "inner", style: `width:${size.width}px;height:${size.height}px`}, svg("svg", {...size, "aria-hidden": "true"}, ...model.lines.flatMap(line)), ...model.items.map(box))
    root.replaceChildren(inner)
    if (focused) { [...root.querySelectorAll("a")].find((one) => one.title === focused)?.focus() }
  }
  model.on(["items", "lines"], draw)
  draw()
  return root
}

// --- Masthead: navigation, connection, theme, address ----------------------------------------------------------------

const remembered = () => /(?:^|; )claudia-theme=(dark|light)(?:;|$)/.exec(document.cookie)?.[1]
const remember = (name, value) => { document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=lax` }

function theme(page) {
  const system = matchMedia("(prefers-color-scheme: dark)")
  const wear = () => { document.documentElement.style.colorScheme = page.data.dark_theme ? "dark" : "light" }
  const follow = () => {
    remember("claudia-system", system.matches ? "dark" : "light")
    const dark = (remembered() ?? (system.matches ? "dark" : "light")) === "dark"
    if (page.data.dark_theme !== dark) { page.data._following = true; page.data.dark_theme = dark; page.data._following = false }
    wear()
  }
  page.data.property("dark_theme").change.connect(() => {
    wear()
    if (!page.data._following) { remember("claudia-theme", page.data.dark_theme ? "dark" : "light") }
  })
  system.addEventListener("change", follow)
  follow()
}

const icon = (path) => {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg")
  svg.setAttribute("viewBox", "0 0 24 24")
  svg.setAttribute("aria-hidden", "true")
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path")
  line.setAttribute("d", path)
  svg.append(line)
  return svg
}

// What keeps a page from following the hub, for as long as it does.
function banner({model}) {
  const strip = h("div", {class: "trouble", role: "alert"})
  const draw = () => { strip.textContent = model.text; strip.hidden = !model.text }
  model.on("text", draw)
  draw()
  return strip
}

function masthead({model, view}) {
  const items = model.pages.map((page) => h("a", {href: page.href, "aria-current": page.here ? "page" : null, title: page.title}, icon(page.icon), h("span", {}, page.title)))
  const brand = h("a", {class: "brand", href: model.home, "aria-label": "Claudia: overview"}, icon(model.logo), h("span", {}, "Claudia"))
  const state = h("span", {class: "live", role: "status", "aria-live": "polite"})
  const toasts = h("div", {class: "toasts", role: "status", "aria-live": "polite"})
  const strip = h("div", {class: "lost-strip", role: "status", "aria-live": "polite", hidden: true})
  const show = (lost) => {
    state.className = lost ? "live lost" : "live"
    state.replaceChildren(h("span", {class: "dot", "aria-hidden": "true"}, lost ? "✖" : "●"), h("span", {class: "word"}, lost ? "Connection lost" : "Live"))
    state.title = lost ? "What you see is the last that was known" : "This page follows the hub"
    strip.hidden = !lost
    if (!lost) { strip.replaceChildren(); return null }
    const at = new Date().toLocaleTimeString()
    const now = h("button", {type: "button", class: "copy"}, "Ask now")
    strip.append(h("span", {}, `The connection to the hub was lost at ${at}. What you see is the last that was known. The page keeps asking, and goes on by itself where you are as soon as the hub answers.`), now)
    return now
  }
  const say = (text, tone) => {
    const toast = h("div", {class: `toast ${tone}`}, text)
    toasts.append(toast)
    setTimeout(() => toast.remove(), 6000)
  }
  show(false)
  if (recall()) { say("The hub answers again", "good") }
  const page = view.root.model
  if (page.data && "dark_theme" in page.data.attributes) { theme(page) }
  const doc = view.model.document
  doc.on_event("connection_lost", (_, event) => {
    if (!healing && strip.isConnected) { heal(model.boot, event, show(true), () => { show(false); say("The hub answers again", "good") }) }
  })
  doc.on_event("client_reconnected", () => { reconnected = true })
  const entitle = () => { document.title = model.heading }
  model.on("heading", entitle)
  entitle()
  addEventListener("popstate", () => model.send_msg({address: location.search}))
  model.on("msg:custom", (message) => {
    if (message.say) { say(message.say, message.tone) }
    if (message.address != null && message.address !== location.search) {
      history[message.push ? "pushState" : "replaceState"]({}, "", location.pathname + message.address)
    }
  })
  return h("div", {class: "top"}, brand, h("nav", {"aria-label": "Pages"}, ...items), state, toasts, strip)
}

// Asks until the hub answers. The same process takes the page's session up again; another one does not know it, so the same
// address is loaded, which holds the whole view.
const KEPT = 8000  // milliseconds for which a server surely keeps a session without a connection
let healing = false
let reconnected = false

const wait = (ms, button) => new Promise((done) => { setTimeout(done, ms); if (button) { button.onclick = done } })

function recall() {  // whether this page was loaded to heal another
  try {
    const found = sessionStorage.getItem("claudia-healing")
    sessionStorage.removeItem("claudia-healing")
    return found
  } catch { return null }
}

async function heal(boot, event, button, done) {
  healing = true
  const lost = Date.now()
  const file = new URL("static/js/bokeh.min.js", location.href.replace(/[?#].*/, ""))
  for (let pause = 300; ; pause = Math.min(10000, pause * 1.6)) {
    let answer = null
    try {
      answer = await fetch(file, {method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(5000)})
    } catch { /* not yet */ }
    if (answer != null && answer.status < 500) {
      if (boot && answer.headers.get("claudia-boot") === boot && Date.now() - lost < KEPT && await resume(event)) {
        healing = false
        done()
        return
      }
      try { sessionStorage.setItem("claudia-healing", "1") } catch { /* no storage: it heals without saying so */ }
      location.reload()
      return
    }
    await wait(pause * (0.8 + 0.4 * Math.random()), button)
  }
}

async function resume(event) {
  reconnected = false
  event.reconnect()
  for (let turn = 0; turn < 30 && !reconnected; turn++) { await wait(100) }
  return reconnected
}

export default {
  Rows: {render: rows},
  Plot: {render: plot},
  Tiles: {render: tiles},
  Tabs: {render: tabs},
  Fields: {render: fields},
  Strip: {render: strip},
  Graph: {render: graph},
  Banner: {render: banner},
  Masthead: {render: masthead},
}
