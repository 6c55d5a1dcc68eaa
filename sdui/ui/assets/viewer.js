/* The selected picture over the whole window: zoom, drag, swipe, keys. */

const STEP = 1.25;
const MOST = 16;
const SWIPE = 50;

const KEYS = {
  arrowleft: "previous",
  a: "previous",
  arrowright: "next",
  d: "next",
  s: "save",
  l: "live",
  z: "reset",
  0: "reset",
  "+": "closer",
  "=": "closer",
  "-": "farther",
};

const BUTTONS = [
  ["previous", "Previous picture (Left, A)", "‹"],
  ["next", "Next picture (Right, D)", "›"],
  ["farther", "Zoom out (-)", "−"],
  ["closer", "Zoom in (+)", "+"],
  ["reset", "Whole picture (Z, 0)", "Fit"],
  ["save", "Save a copy (S)", "Save"],
  ["live", "Show the picture that is being drawn (L)", "Live"],
  ["close", "Close (Esc)", "✕"],
];

const WHOLE = { scale: 1, x: 0, y: 0 };

/** What a key does here; "" for nothing. */
export function actionOf(event) {
  return event.ctrlKey || event.metaKey || event.altKey ? "" : KEYS[event.key.toLowerCase()] ?? "";
}

/** A view after zooming by a factor; (x, y), measured from the middle of the stage, stays where it is. */
export function zoomed(view, factor, x = 0, y = 0) {
  const scale = Math.min(Math.max(view.scale * factor, 1), MOST);
  const grown = scale / view.scale;
  return scale === 1 ? WHOLE : { scale, x: x - (x - view.x) * grown, y: y - (y - view.y) * grown };
}

/** The place that is `by` further among `count`, round the ends. */
export const turned = (at, by, count) => (((at + by) % count) + count) % count;

/** 1 for a swipe to the next picture, -1 to the one before, 0 for what is no swipe. */
export function swiped(dx, dy) {
  if (Math.abs(dx) < SWIPE || Math.abs(dx) < 2 * Math.abs(dy)) return 0;
  return dx < 0 ? 1 : -1;
}

class Viewer {
  constructor() {
    this.dialog = document.createElement("dialog");
    this.dialog.className = "viewer";
    this.dialog.ariaLabel = "Picture viewer";
    this.stage = this.dialog.appendChild(document.createElement("div"));
    this.stage.className = "stage-of-viewer";
    this.image = this.stage.appendChild(document.createElement("img"));
    this.image.draggable = false;
    const bar = this.dialog.appendChild(document.createElement("div"));
    bar.className = "bar";
    this.told = bar.appendChild(document.createElement("output"));
    for (const [name, label, sign] of BUTTONS) {
      const button = bar.appendChild(document.createElement("button"));
      Object.assign(button, { type: "button", ariaLabel: label, title: label, textContent: sign });
      button.dataset.do = name;
      button.onclick = () => this.do(name);
    }
    this.liveButton = bar.querySelector("[data-do=live]");
    this.saveButton = bar.querySelector("[data-do=save]");
    this.pointers = new Map();
    this.watch = new MutationObserver(() => this.refresh());
    document.body.append(this.dialog);
    this.listen();
  }

  listen() {
    const { dialog, stage } = this;
    dialog.addEventListener("close", () => this.watch.disconnect());
    // The page's own keys, such as Esc for Interrupt, mean nothing in here.
    dialog.addEventListener("keydown", (event) => {
      event.stopPropagation();
      const action = actionOf(event);
      if (!action) return;
      event.preventDefault();
      this.do(action);
    });
    stage.addEventListener("wheel", (event) => this.onWheel(event), { passive: false });
    stage.addEventListener("pointerdown", (event) => this.onDown(event));
    stage.addEventListener("pointermove", (event) => this.onMove(event));
    for (const name of ["pointerup", "pointercancel"]) stage.addEventListener(name, (event) => this.onUp(event));
    stage.addEventListener("dblclick", (event) => this.set(this.view.scale > 1 ? WHOLE : this.zoomedAt(4, event)));
  }

  /** Open over the pictures of a tab; nothing happens where there are none. */
  open(tab) {
    this.tab = tab;
    this.live = !this.pictures().length && Boolean(this.preview());
    if (!this.pictures().length && !this.live) return;
    this.said = this.log();
    this.set(WHOLE);
    this.refresh();
    this.watch.observe(document.getElementById(`${tab}_results`), {
      childList: true,
      subtree: true,
      attributeFilter: ["src", "class"],
    });
    this.dialog.showModal();
  }

  pictures() {
    const gallery = document.getElementById(`${this.tab}_gallery`);
    const strip = gallery.querySelectorAll(".thumbnails img");
    return [...(strip.length ? strip : gallery.querySelectorAll(".grid-wrap img"))];
  }

  preview() {
    return document.querySelector(`#${this.tab}_live_preview img`);
  }

  log() {
    return document.getElementById(`html_log_${this.tab}`)?.textContent.trim() ?? "";
  }

  at(pictures) {
    return Math.max(0, pictures.findIndex((image) => image.closest("button").classList.contains("selected")));
  }

  refresh() {
    const pictures = this.pictures();
    const at = this.at(pictures);
    const forming = this.live ? this.preview() : null;
    const source = (forming ?? pictures[at])?.src;
    if (source && this.image.src !== source) this.image.src = source;
    this.image.alt = forming ? "Live preview" : `Picture ${at + 1} of ${pictures.length}`;
    const said = this.log() === this.said ? "" : ` ${this.log()}`;
    const told = `${forming ? "Live" : `${at + 1} / ${pictures.length}`}${said}`;
    if (this.told.textContent !== told) this.told.textContent = told;
    this.liveButton.ariaPressed = String(this.live);
    this.saveButton.disabled = !document.getElementById(`save_${this.tab}`);
  }

  do(action) {
    const actions = {
      previous: () => this.turn(-1),
      next: () => this.turn(1),
      farther: () => this.set(zoomed(this.view, 1 / STEP)),
      closer: () => this.set(zoomed(this.view, STEP)),
      reset: () => this.set(WHOLE),
      save: () => document.getElementById(`save_${this.tab}`)?.click(),
      close: () => this.dialog.close(),
      live: () => {
        this.live = !this.live;
        this.refresh();
      },
    };
    actions[action]();
  }

  /** The gallery selects the picture too, so that Save and the text under it are about this one. */
  turn(by) {
    const pictures = this.pictures();
    if (pictures.length < 2) return;
    this.set(WHOLE);
    pictures[turned(this.at(pictures), by, pictures.length)].closest("button").click();
  }

  set(view) {
    this.view = view;
    this.image.style.transform = `translate(${view.x}px, ${view.y}px) scale(${view.scale})`;
    this.stage.classList.toggle("closer", view.scale > 1);
  }

  zoomedAt(factor, event) {
    const box = this.stage.getBoundingClientRect();
    return zoomed(this.view, factor, event.clientX - box.x - box.width / 2, event.clientY - box.y - box.height / 2);
  }

  onWheel(event) {
    event.preventDefault();
    this.set(this.zoomedAt(STEP ** Math.sign(-event.deltaY), event));
  }

  onDown(event) {
    this.stage.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, event);
    this.begun = this.pointers.size === 1 ? event : null;
  }

  onMove(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const other = [...this.pointers.values()].find((one) => one.pointerId !== event.pointerId);
    this.pointers.set(event.pointerId, event);
    if (other) {
      const apart = (one) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY) || 1;
      const middle = { clientX: (event.clientX + other.clientX) / 2, clientY: (event.clientY + other.clientY) / 2 };
      this.set(this.zoomedAt(apart(event) / apart(before), middle));
    } else if (this.view.scale > 1) {
      const { scale, x, y } = this.view;
      this.set({ scale, x: x + event.clientX - before.clientX, y: y + event.clientY - before.clientY });
    }
  }

  onUp(event) {
    this.pointers.delete(event.pointerId);
    const begun = this.begun;
    this.begun = null;
    if (!begun || event.type === "pointercancel" || this.view.scale > 1) return;
    const by = swiped(event.clientX - begun.clientX, event.clientY - begun.clientY);
    if (by) this.turn(by);
  }
}

/** The tab whose results a click wants to see large; "" for other clicks. */
function wanted(target) {
  const tab = target.closest?.("[id$='_results']")?.id.replace("_results", "");
  if (!tab) return "";
  if (target.closest(`#${tab}_view`)) return tab;
  // A click into a grid tells of the cell (page.js).
  const large = target.closest(`#${tab}_gallery .media-button`);
  return large && !document.querySelector(`#html_info_${tab} [data-grid]`) ? tab : "";
}

function start() {
  let viewer = null;
  document.addEventListener(
    "click",
    (event) => {
      const tab = wanted(event.target);
      if (!tab) return;
      event.stopPropagation();
      viewer ??= new Viewer();
      viewer.open(tab);
    },
    true,
  );
}

start();
