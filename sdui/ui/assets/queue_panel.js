/* The panel of jobs from all pages (queue_panel.py); it asks the server only while there are any. */

const PERIOD = 1000;
const AFTERWARDS = 6000;

const BUTTONS = [
  ["first", "Run next", "⇤"],
  ["up", "Earlier", "↑"],
  ["down", "Later", "↓"],
  ["edit", "Take out of the queue and edit", "✎"],
  ["show", "Show on this page", "Show"],
  ["cancel", "Cancel", "✕"],
];

/** Which of the buttons a job has; places counts the jobs that wait. */
export function actionsFor(job, place, places) {
  const ended = !["queued", "running"].includes(job.state);
  const waits = job.state === "queued";
  return BUTTONS.map(([name]) => name).filter(
    (name) =>
      ({
        first: waits && place > 0,
        up: waits && place > 0,
        down: waits && place < places - 1,
        edit: job.editable,
        show: !waits && job.kind !== "",
        cancel: !ended,
      })[name],
  );
}

/** The panel's title. */
export function titleOf(jobs) {
  const running = jobs.filter((job) => job.state === "running").length;
  const waiting = jobs.filter((job) => job.state === "queued").length;
  return `Queue: ${running} running, ${waiting} waiting`;
}

function made(parent, name, className) {
  const element = parent.appendChild(document.createElement(name));
  element.className = className;
  return element;
}

const written = new WeakMap();

/** Sets what was not written before, because the focus and screen readers notice it; it may be translated by now. */
function put(element, values) {
  const before = written.get(element) ?? {};
  for (const [name, value] of Object.entries(values)) if (before[name] !== value) element[name] = value;
  written.set(element, { ...before, ...values });
}

class Row {
  constructor(id, act) {
    this.element = document.createElement("li");
    this.image = made(this.element, "img", "");
    this.image.alt = "";
    const text = made(this.element, "div", "text");
    this.title = made(text, "b", "");
    this.title.dataset.foreign = "";
    this.facts = made(text, "small", "");
    this.bar = made(text, "progress", "");
    this.bar.max = 100;
    this.state = made(text, "small", "state");
    this.buttons = made(this.element, "div", "actions");
    for (const [name, label, sign] of BUTTONS) {
      const button = made(this.buttons, "button", "");
      Object.assign(button, { type: "button", textContent: sign, title: label });
      button.dataset.do = name;
      button.onclick = () => act(id, name);
    }
  }

  show(job, place, places) {
    put(this.element, { className: job.state });
    put(this.image, { hidden: !job.picture });
    if (job.picture && this.image.getAttribute("src") !== job.picture) this.image.src = job.picture;
    put(this.title, { textContent: job.title, title: job.title });
    put(this.facts, { textContent: [job.kind, job.facts].filter(Boolean).join(", ") });
    put(this.bar, { hidden: job.state !== "running", value: job.percent });
    put(this.state, { textContent: [job.words, job.left].filter(Boolean).join(", ") });
    const possible = actionsFor(job, place, places);
    for (const button of this.buttons.children) {
      put(button, { hidden: !possible.includes(button.dataset.do), ariaLabel: `${button.title}: ${job.title}` });
    }
  }
}

class QueuePanel {
  constructor() {
    this.rows = new Map();
    this.version = "";
    this.active = false;
    this.until = 0;
    this.timer = 0;
  }

  get panel() {
    return document.getElementById("queue_panel");
  }

  /** Look now and, as long as there is something to see, again and again. */
  async look() {
    clearTimeout(this.timer);
    try {
      const answer = await fetch(`page/queue?known=${this.version}`);
      if (answer.ok) this.take(await answer.json());
    } catch {
      this.until = performance.now() + AFTERWARDS; // the connection was lost; it may come back
    }
    clearTimeout(this.timer);
    const again = this.active || performance.now() < this.until;
    if (again && !document.hidden) this.timer = setTimeout(() => this.look(), PERIOD);
  }

  /** Something may have been asked for: look for a while even if there is no job yet. */
  expect() {
    this.until = performance.now() + AFTERWARDS;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look(), PERIOD / 3);
  }

  take({ version, jobs }) {
    if (!this.panel) return this.expect(); // the page is still being built
    this.version = version;
    if (!jobs) return;
    this.active = jobs.some((job) => ["queued", "running"].includes(job.state));
    this.panel.classList.toggle("active", this.active);
    put(this.panel.querySelector("summary"), { textContent: titleOf(jobs) });
    const waiting = jobs.filter((job) => job.state === "queued");
    const elements = jobs.map((job) => {
      if (!this.rows.has(job.id)) this.rows.set(job.id, new Row(job.id, (id, name) => this.act(id, name)));
      const row = this.rows.get(job.id);
      row.show(job, waiting.indexOf(job), waiting.length);
      return row.element;
    });
    const list = this.panel.querySelector(".jobs");
    if (elements.some((element, at) => list.children[at] !== element) || list.children.length !== elements.length) {
      this.reorder(list, elements);
    }
    const known = new Set(jobs.map((job) => job.id));
    for (const id of this.rows.keys()) if (!known.has(id)) this.rows.delete(id);
  }

  /** An element that is moved loses the focus. */
  reorder(list, elements) {
    const focused = document.activeElement;
    list.replaceChildren(...elements);
    if (focused !== document.activeElement && list.contains(focused)) {
      const next = focused.hidden ? focused.parentElement.querySelector("button:not([hidden])") : focused;
      next?.focus();
    }
  }

  async act(id, name) {
    if (name === "show" || name === "edit") {
      this.panel.dataset.job = id;
      document.getElementById(`queue_${name}`).click();
      this.expect();
      return;
    }
    const answer = await fetch(`page/queue/${id}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ action: name }),
    }).catch(() => null);
    const told = answer ? await answer.json() : { detail: "The server cannot be reached." };
    put(this.panel.querySelector("[role=status]"), { textContent: answer?.ok ? "" : told.detail });
    if (answer?.ok) this.take(told);
    this.expect();
  }
}

function start() {
  const panel = new QueuePanel();
  const asks = "[id$='_generate'], [id$='_enqueue'], [id$='_upscale'], [id$='_interrupt'], [id$='_interrupting']";
  document.addEventListener("click", (event) => event.target.closest?.(asks) && panel.expect(), true);
  document.addEventListener("visibilitychange", () => document.hidden || panel.look());
  window.addEventListener("focus", () => panel.look());
  window.addEventListener("online", () => panel.look());
  panel.look();
}

start();
