/* The menu of Generate, and generating forever: a click on Generate whenever this page has no job. */

const TABS = ["txt2img", "img2img"];
const LOOK = 250;
const PATIENCE = 3000;

/**
 * Whether to click Generate now.
 *
 * ready: it is there and takes clicks; waited: milliseconds since it was clicked; begun: a job was seen since then.
 * A click that led to no job, because the server refused it or was not there, is tried again.
 */
export const isDue = ({ ready, waited, begun }) => ready && (begun || waited > PATIENCE);

class Forever {
  constructor(tab) {
    this.tab = tab;
    this.timer = 0;
  }

  get on() {
    return this.timer !== 0;
  }

  turn(on) {
    if (on === this.on) return;
    clearInterval(this.timer);
    this.clicked = -Infinity;
    this.timer = on ? setInterval(() => this.look(), LOOK) : 0;
    document.documentElement.toggleAttribute(`data-forever-${this.tab}`, on);
    if (on) this.look();
  }

  look() {
    const button = document.getElementById(`${this.tab}_generate`);
    const ready = Boolean(button) && !button.disabled;
    this.begun ||= !ready;
    if (!isDue({ ready, waited: performance.now() - this.clicked, begun: this.begun })) return;
    this.begun = false;
    this.clicked = performance.now();
    button.click();
  }
}

class Menu {
  constructor() {
    this.box = document.createElement("div");
    Object.assign(this.box, { role: "menu", className: "generate-menu", popover: "auto", ariaLabel: "Generate" });
    this.box.addEventListener("keydown", (event) => this.onKey(event));
    document.body.append(this.box);
  }

  /** entries: [words, what to do, whether that can be done now]; x and y: pixels of the window. */
  open(entries, x, y) {
    const items = entries.map(([words, act, possible]) => {
      const item = document.createElement("button");
      Object.assign(item, { type: "button", role: "menuitem", textContent: words, disabled: !possible });
      item.onclick = () => {
        this.box.hidePopover();
        act();
      };
      return item;
    });
    this.box.replaceChildren(...items);
    this.box.showPopover();
    const { width, height } = this.box.getBoundingClientRect();
    this.box.style.left = `${Math.max(4, Math.min(x, innerWidth - width - 4))}px`;
    this.box.style.top = `${Math.max(4, Math.min(y, innerHeight - height - 4))}px`;
    this.box.querySelector(":enabled").focus();
  }

  onKey(event) {
    event.stopPropagation();
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") this.box.hidePopover();
    if (!by && event.key !== "Escape") return;
    event.preventDefault();
    const items = [...this.box.querySelectorAll(":enabled")];
    if (by) items[(items.indexOf(document.activeElement) + by + items.length) % items.length]?.focus();
  }
}

/** The tab whose Generate or Interrupt this element is or is in; undefined for other elements. */
const tabOf = (element, names) =>
  TABS.find((tab) => element.closest?.(names.map((name) => `#${tab}_${name}`).join(",")));

function start() {
  const forever = Object.fromEntries(TABS.map((tab) => [tab, new Forever(tab)]));
  let menu = null;
  const open = (tab, x, y) => {
    menu ??= new Menu();
    const entries = [
      ["Generate forever", () => forever[tab].turn(true), !forever[tab].on],
      ["Cancel generate forever", () => forever[tab].turn(false), forever[tab].on],
    ];
    menu.open(entries, x, y);
  };
  document.addEventListener("contextmenu", (event) => {
    const tab = tabOf(event.target, ["generate", "interrupt", "interrupting"]);
    if (!tab) return;
    event.preventDefault();
    const box = event.target.getBoundingClientRect();
    // The key has no place of its own.
    open(tab, event.clientX || box.left, event.clientY || box.bottom);
  });
  document.addEventListener("click", (event) => {
    const tab = tabOf(event.target, ["generate_menu"]);
    const box = event.target.getBoundingClientRect?.();
    if (tab) open(tab, box.left, box.bottom + 4);
    const ended = tabOf(event.target, ["forever"]);
    if (ended) forever[ended].turn(false);
  });
}

start();
