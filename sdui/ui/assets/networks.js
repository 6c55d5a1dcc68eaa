/** The tabs with cards: a page of the files at a time, and what a click on a card does. */

import { VirtualGrid } from "./virtual_grid.js";
import { ask, editNotes, fileOf, make, showMetadata } from "./network_dialogs.js";
import { holds, lastPrompt, promptBox, toggleIn } from "./prompt_tags.js";

/** Milliseconds without a key after which is searched. */
const PAUSE = 150;
const CARD = { itemWidth: 136, itemHeight: 204, gap: 10, pageSize: 60 };

/** The address of a card's picture; another one whenever the picture changes. */
export function pictureOf(kind, { title, picture }) {
  return `page/networks/picture?${new URLSearchParams({ kind, title, v: picture })}`;
}

/** What a card does to the prompts: [prompt's name, tag, words] of each that it changes. */
export function insertions(kind, item, focused) {
  if (kind === "embedding") return [[focused, item.tag, ""]];
  const negative = item.negative ? [["neg_prompt", item.negative, ""]] : [];
  return [["prompt", item.tag, item.words ?? ""], ...negative];
}

/** Copy a text, also where the page is not served over https and the browser has no clipboard for it. */
async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const box = make("textarea", { value: text });
  document.body.append(box);
  box.select();
  document.execCommand("copy");
  box.remove();
}

class Cards {
  /** @param {HTMLElement} root what networks.py has made */
  constructor(root) {
    Object.assign(this, root.dataset);
    this.search = this.part("extra_search");
    this.sort = this.part("extra_sort");
    this.descending = this.part("extra_sort_dir");
    this.fits = this.part("fits");
    this.folders = this.part("dirs");
    this.said = root.querySelector(".cards-said");
    this.folder = "";
    this.separator = " ";
    this.anew = true;
    this.grid = new VirtualGrid(this.part("cards"), {
      ...CARD,
      fetchPage: (offset, count, signal) => this.fetchPage(offset, count, signal),
      render: (item) => this.render(item),
      label: (item) => item.name,
      failed: (error) => this.say(`The cards cannot be shown: ${error.message}`),
    });
    this.listen();
    this.grid.reset();
  }

  part(name) {
    return document.getElementById(`${this.prefix}_${name}`);
  }

  listen() {
    let timer = 0;
    this.search.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => this.grid.reset(), PAUSE);
    });
    this.sort.addEventListener("change", () => this.grid.reset());
    for (const button of [this.descending, this.fits]) {
      button?.addEventListener("click", () => {
        button.ariaPressed = String(button.ariaPressed !== "true");
        this.grid.reset();
      });
    }
    this.part("extra_refresh").addEventListener("click", () => {
      this.anew = true;
      this.grid.reset();
    });
    // Only the buttons of the card that is focused are stops of the Tab key.
    this.part("cards").addEventListener("focusin", (event) => {
      const cell = event.target.closest(".virtual-grid-cell");
      for (const button of this.part("cards").querySelectorAll(".card-tools button")) {
        button.tabIndex = cell?.contains(button) ? 0 : -1;
      }
    });
  }

  async fetchPage(offset, count, signal) {
    const { kind, folder, anew } = this;
    const wish = { kind, search: this.search.value, folder, sort: this.sort.value, offset, count, anew };
    wish.descending = this.descending.ariaPressed === "true";
    wish.fits = this.fits?.ariaPressed === "true";
    this.anew = false;
    const page = await ask(`?${new URLSearchParams(wish)}`, { signal });
    this.separator = page.separator;
    this.say(page.empty);
    this.showFolders(page.folders);
    return page;
  }

  say(text) {
    this.said.textContent = text;
  }

  showFolders(folders) {
    if (folders.length && this.folders.dataset.shown === folders.join("\n")) return;
    this.folders.dataset.shown = folders.join("\n");
    if (!folders.includes(this.folder)) this.folder = "";
    const names = folders.length ? ["", ...folders] : [];
    this.folders.replaceChildren(...names.map((name) => this.folderButton(name)));
  }

  folderButton(name) {
    const button = make("button", { type: "button" }, name || "All");
    button.toggleAttribute("data-foreign", name !== "");
    button.ariaPressed = String(name === this.folder);
    button.addEventListener("click", () => {
      this.folder = name;
      for (const other of this.folders.children) other.ariaPressed = String(other === button);
      this.grid.reset();
    });
    return button;
  }

  render(item) {
    const card = make("div", { className: "card", title: item.title });
    card.append(
      this.picture(item),
      make("div", { className: "card-text", "data-foreign": "" }, make("b", {}, item.name), make("span", {}, item.description)),
      this.tools(item),
    );
    card.addEventListener("click", () => this.use(item));
    return card;
  }

  picture(item) {
    const empty = () => make("div", { className: "card-empty", "data-letter": item.name.slice(0, 1) });
    if (!item.picture) return empty();
    const image = make("img", { alt: "", decoding: "async", draggable: false, src: pictureOf(this.kind, item) });
    image.addEventListener("error", () => image.getAttribute("src") && image.replaceWith(empty()));
    return image;
  }

  tools(item) {
    const card = { ...item, kind: this.kind, tab: this.tab, prefix: this.prefix };
    const tool = (name, style, work) => {
      const button = make("button", { type: "button", className: style, title: name, "aria-label": name, tabIndex: -1 });
      button.addEventListener("click", (event) => {
        event.stopPropagation();
        Promise.resolve(work()).catch((error) => this.say(error.message));
      });
      return button;
    };
    const negative = () => toggleIn(promptBox(this.tab, "neg_prompt"), item.tag, this);
    return make(
      "div",
      { className: "card-tools" },
      this.kind === "embedding" ? tool("To the negative prompt", "card-negative", negative) : null,
      tool("Copy path to clipboard", "card-copy", () => this.copyPath(item)),
      tool("Show internal metadata", "card-metadata", () => showMetadata(card)),
      tool("Edit metadata", "card-edit", () => editNotes(card, () => this.grid.refresh())),
    );
  }

  async copyPath({ title }) {
    const { path } = await fileOf(this.kind, title);
    await copy(path);
    this.say(`Copied ${path}`);
  }

  use(item) {
    if (this.kind === "checkpoint") {
      const button = document.getElementById("pick_checkpoint");
      button.dataset.title = item.tag;
      button.click();
      return;
    }
    let adding;
    for (const [name, tag, words] of insertions(this.kind, item, lastPrompt(this.tab))) {
      const box = promptBox(this.tab, name);
      adding ??= !holds(box.value, tag);
      if (holds(box.value, tag) !== adding) toggleIn(box, tag, { words, separator: this.separator });
    }
  }
}

/** Gradio makes what is in a tab when the tab is first opened. */
function fill() {
  for (const root of document.querySelectorAll(".cards:not([data-filled])")) {
    root.dataset.filled = "yes";
    new Cards(root);
  }
}

let due = false;
new MutationObserver(() => {
  if (due) return;
  due = true;
  requestAnimationFrame(() => {
    due = false;
    fill();
  });
}).observe(document.body, { childList: true, subtree: true });
fill();
