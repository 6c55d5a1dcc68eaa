/** The History tab: asks for nothing before it is opened. */

import { Viewer, ask, confirmed } from "./history_viewer.js";
import { VirtualGrid } from "./virtual_grid.js";

/** Milliseconds after the last key until it is searched. */
const TYPING = 200;
/** Milliseconds until it is looked again while the server is still reading files. */
const AGAIN = 1000;

/** How many there are, and how far the server has got with reading them: [done, all] or null. */
export function counted(total, query, reading) {
  const many = (count) => count.toLocaleString("en");
  const noun = total === 1 ? "picture" : "pictures";
  const found = query.trim() ? `${many(total)} ${noun} found` : `${many(total)} ${noun}`;
  if (!reading) return found;
  const [done, all] = reading;
  return all ? `${found}, ${many(done)} of ${many(all)} new files read` : `${found}, looking for new files`;
}

function card(item, open) {
  const made = document.createElement("div");
  made.className = "history-card";
  const image = document.createElement("img");
  image.alt = "";
  image.decoding = "async";
  image.draggable = false;
  image.src = `page/history/${item.id}/thumbnail`;
  image.addEventListener("error", () => made.classList.add("broken"));
  made.dataset.name = item.name;
  made.dataset.foreign = "";
  made.title = item.prompt || item.name;
  made.classList.toggle("favourite", item.favourite);
  made.append(image);
  made.addEventListener("click", open);
  return made;
}

class HistoryTab {
  #root;
  #search;
  #grid;
  #viewer;
  #again = 0;
  #typing = 0;

  constructor(root) {
    this.#root = root;
    this.#search = root.querySelector("#history_search");
    const container = root.querySelector("#history_grid");
    this.#grid = new VirtualGrid(container, {
      fetchPage: (offset, count, signal) => this.#fetch(offset, count, signal),
      render: (item, index) => card(item, () => this.#viewer.show(index)),
      label: (item) => [item.favourite && "Favourite", item.name, item.prompt].filter(Boolean).join(", "),
      failed: (error) => this.#say(error.message),
      itemWidth: window.matchMedia("(max-width: 760px)").matches ? 104 : 168,
      itemHeight: window.matchMedia("(max-width: 760px)").matches ? 120 : 184,
      gap: 8,
      pageSize: 100,
    });
    this.#viewer = new Viewer(root, {
      load: (index) => this.#grid.load(index),
      changed: () => this.#grid.refresh(),
      closed: (index) => this.#grid.focus(index),
      total: () => this.#grid.total,
    });
    this.#search.addEventListener("input", () => this.#onTyping());
    container.addEventListener("keydown", (event) => this.#onKey(event));
  }

  /** The tab was opened: show what is known at once, and what came without sdui a little later. */
  async open() {
    await ask("/look", { body: {} }).catch(() => {});
    await this.#grid.refresh();
  }

  async #fetch(offset, count, signal) {
    const query = this.#search.value;
    const answer = await ask(`?${new URLSearchParams({ q: query, offset, count })}`, { signal });
    this.#say("");
    this.#root.querySelector("#history_count").textContent = counted(answer.total, query, answer.reading);
    this.#root.classList.toggle("empty", answer.total === 0);
    if (answer.reading) this.#lookAgain();
    return answer;
  }

  #lookAgain() {
    this.#again ||= setTimeout(() => {
      this.#again = 0;
      if (this.#root.offsetParent) this.#grid.refresh();
    }, AGAIN);
  }

  #say(text) {
    const said = this.#root.querySelector("#history_said");
    said.textContent = text;
    said.hidden = !text;
  }

  #onTyping() {
    clearTimeout(this.#typing);
    this.#typing = setTimeout(() => this.#grid.reset(), TYPING);
  }

  async #onKey(event) {
    const cell = event.target.closest(".virtual-grid-cell");
    if (event.key !== "Delete" || !cell) return;
    event.preventDefault();
    const index = Number(cell.dataset.index);
    const item = this.#grid.itemAt(index);
    if (!item || (!item.favourite && !(await confirmed(item, this.#root)))) return;
    try {
      await ask(`/${item.id}/delete`, { body: {} });
      await this.#grid.refresh();
      this.#grid.focus(index);
    } catch (error) {
      this.#say(error.message);
    }
  }
}

let tab = null;

/** Gradio makes the tab's content after it says that the tab is open. */
function opened() {
  const root = document.getElementById("history");
  if (!root?.offsetParent) return requestAnimationFrame(opened);
  if (!tab || tab.root !== root) tab = { root, shown: new HistoryTab(root) };
  return tab.shown.open();
}

document.addEventListener("history-opened", opened);
