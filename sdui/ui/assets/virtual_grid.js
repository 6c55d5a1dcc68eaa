/** A scrolling grid of very many items, of which only those near the visible part are in the page. */

/** Rows kept ready above and below the visible ones. */
const NEAR = 2;
/** Milliseconds between two looks for pages that are missing: a dragged scroll bar flies over most. */
const PAUSE = 60;
/** Pages that are remembered; those furthest away are forgotten first. */
const KEPT_PAGES = 40;

/** How many columns of at least this width fit, at least one. All lengths are CSS pixels. */
export function columnsIn(width, itemWidth, gap) {
  return Math.max(1, Math.floor((width + gap) / (itemWidth + gap)));
}

/**
 * The index that a key moves to from `index`; null for keys that move nothing.
 * @param {{columns: number, rows: number, total: number}} grid rows: those that fit the visible part
 */
export function movedBy(key, index, { columns, rows, total }) {
  const last = total - 1;
  const down = (count) => {
    const most = Math.floor(last / columns) - Math.floor(index / columns);
    return Math.min(last, index + columns * Math.min(count, most));
  };
  const up = (count) => index - columns * Math.min(count, Math.floor(index / columns));
  const moves = {
    ArrowLeft: () => Math.max(0, index - 1),
    ArrowRight: () => Math.min(last, index + 1),
    ArrowUp: () => up(1),
    ArrowDown: () => down(1),
    PageUp: () => up(rows),
    PageDown: () => down(rows),
    Home: () => 0,
    End: () => last,
  };
  return total > 0 && Object.hasOwn(moves, key) ? moves[key]() : null;
}

/**
 * Fills `container`, which has a height of its own. It asks for nothing before the first `reset`.
 *
 * A cell is focused as a whole: buttons inside of an item need tabindex="-1", or Tab stops at each.
 */
export class VirtualGrid {
  #container;
  #options;
  /** As high as all rows; the rows that exist lie in it. */
  #sheet = document.createElement("div");
  #rows = new Map();
  #pages = new Map();
  /** Page -> AbortController of its request. */
  #asked = new Map();
  /** The AbortController of a `reset` or `refresh` without answer yet. */
  #renewal = null;
  #toStart = false;
  #total = 0;
  #columns = 1;
  #height = 0;
  /** The one item that Tab reaches. */
  #current = 0;
  #frame = 0;
  #timer = 0;

  /**
   * @param {HTMLElement} container
   * @param {object} options
   * @param {(offset: number, count: number, signal: AbortSignal) => Promise<{total: number, items: any[]}>} options.fetchPage
   * @param {(item: any, index: number) => HTMLElement} options.render
   * @param {(item: any) => string} [options.label] what a screen reader says of the item; its text otherwise
   * @param {(error: Error) => void} [options.failed] hears of requests that failed; scrolling asks again
   * @param {number} options.itemWidth the least width; columns share what is left
   * @param {number} options.itemHeight
   */
  constructor(container, options) {
    this.#options = { gap: 8, pageSize: 60, label: () => "", failed: console.error, ...options };
    this.#container = container;
    container.classList.add("virtual-grid");
    Object.assign(container.style, { overflowY: "auto", position: "relative" });
    Object.assign(this.#sheet.style, { position: "relative", contain: "layout style" });
    container.setAttribute("role", "grid");
    this.#sheet.setAttribute("role", "rowgroup");
    container.replaceChildren(this.#sheet);
    container.addEventListener("scroll", () => this.#drawSoon(), { passive: true });
    container.addEventListener("keydown", (event) => this.#onKey(event));
    container.addEventListener("focusin", (event) => this.#onFocus(event));
    new ResizeObserver(() => this.#measure()).observe(container);
    this.#measure();
  }

  get total() {
    return this.#total;
  }

  /** Ask anew and show the beginning. Until the answer comes, what was shown stays. */
  reset() {
    this.#toStart = true;
    return this.#renew([0]);
  }

  /** Ask anew for what is shown and stay there. */
  refresh() {
    return this.#renew(this.#toStart ? [0] : this.#pagesInSight());
  }

  /** The item at this place; undefined when it is not here (yet). */
  itemAt(index) {
    const { pageSize } = this.#options;
    return this.#pages.get(Math.floor(index / pageSize))?.[index % pageSize];
  }

  /** The item at this place, asked for if need be; undefined beyond the end. Rejects when it cannot be had. */
  async load(index) {
    const number = Math.floor(index / this.#options.pageSize);
    if (index < this.#total && !this.#pages.has(number)) {
      const { fetchPage, pageSize } = this.#options;
      const { items } = await fetchPage(number * pageSize, pageSize, new AbortController().signal);
      this.#keep(number, items);
    }
    return this.itemAt(index);
  }

  /** Scroll an item into sight and focus it. */
  focus(index) {
    if (!this.#total) return;
    this.reveal(index);
    this.#cell(this.#current)?.focus({ preventScroll: true });
  }

  /** Scroll an item into sight and let Tab reach it. */
  reveal(index) {
    const pitch = this.#pitch();
    this.#choose(Math.min(Math.max(0, index), this.#total - 1));
    const top = this.#rowOf(this.#current) * pitch;
    const seen = this.#container.scrollTop;
    if (top < seen) this.#container.scrollTop = top;
    else if (top + pitch > seen + this.#height) this.#container.scrollTop = top + pitch - this.#height;
    this.#draw();
  }

  async #renew(numbers) {
    const { fetchPage, pageSize, failed } = this.#options;
    this.#renewal?.abort();
    for (const request of this.#asked.values()) request.abort();
    this.#asked.clear();
    const renewal = new AbortController();
    this.#renewal = renewal;
    let answers;
    try {
      answers = await Promise.all(numbers.map((n) => fetchPage(n * pageSize, pageSize, renewal.signal)));
    } catch (error) {
      if (this.#renewal !== renewal) return;
      this.#renewal = null;
      failed(error);
      return;
    }
    if (this.#renewal !== renewal) return;
    this.#renewal = null;
    const before = this.#pages;
    this.#pages = new Map(numbers.map((number, place) => [number, answers[place].items]));
    const same = (number) => JSON.stringify(before.get(number)) === JSON.stringify(this.#pages.get(number));
    // Drawn anew, pictures would flicker.
    if (this.#toStart || answers[0].total !== this.#total || !numbers.every(same)) this.#show(answers[0].total);
  }

  #show(total) {
    const focused = this.#hasFocus();
    if (this.#toStart) {
      this.#container.scrollTop = 0;
      this.#current = 0;
    }
    this.#toStart = false;
    this.#total = total;
    this.#current = Math.max(0, Math.min(this.#current, total - 1));
    this.#drawAll();
    if (focused) this.focus(this.#current);
  }

  /** After anything that moves every item. */
  #drawAll() {
    for (const number of [...this.#rows.keys()]) this.#remove(number);
    const rows = Math.ceil(this.#total / this.#columns);
    this.#sheet.style.height = `${Math.max(0, rows * this.#pitch() - this.#options.gap)}px`;
    this.#container.setAttribute("aria-rowcount", rows);
    this.#container.setAttribute("aria-colcount", this.#columns);
    this.#draw();
  }

  #measure() {
    const { itemWidth, gap } = this.#options;
    this.#height = this.#container.clientHeight;
    const width = this.#container.clientWidth;
    if (!width) return;
    const columns = columnsIn(width, itemWidth, gap);
    if (columns === this.#columns) return this.#drawSoon();
    const focused = this.#hasFocus();
    const first = Math.round(this.#container.scrollTop / this.#pitch()) * this.#columns;
    this.#columns = columns;
    this.#drawAll();
    this.#container.scrollTop = Math.floor(first / columns) * this.#pitch();
    if (focused) this.focus(this.#current);
    this.#draw();
  }

  #drawSoon() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  #draw() {
    const [first, last] = this.#rowsInSight(NEAR);
    if (!this.#hasFocus()) this.#keepReachable();
    const kept = this.#hasFocus() ? this.#rowOf(this.#current) : -1;
    for (const number of [...this.#rows.keys()]) {
      if ((number < first || number > last) && number !== kept) this.#remove(number);
    }
    let next = kept > last ? this.#rows.get(kept) : null;
    for (let number = last; number >= first; number--) {
      if (!this.#rows.has(number)) this.#sheet.insertBefore(this.#makeRow(number), next ?? null);
      next = this.#rows.get(number);
    }
    this.#timer ||= setTimeout(() => {
      this.#timer = 0;
      this.#ask();
    }, this.#asked.size ? PAUSE : 0);
  }

  #makeRow(number) {
    const row = document.createElement("div");
    row.setAttribute("role", "row");
    row.setAttribute("aria-rowindex", number + 1);
    const { gap, itemHeight } = this.#options;
    Object.assign(row.style, {
      position: "absolute",
      inset: "0 0 auto",
      display: "grid",
      gridTemplate: `100% / repeat(${this.#columns}, minmax(0, 1fr))`,
      gap: `${gap}px`,
      height: `${itemHeight}px`,
      transform: `translateY(${number * this.#pitch()}px)`,
    });
    const end = Math.min(this.#total, (number + 1) * this.#columns);
    for (let index = number * this.#columns; index < end; index++) row.append(this.#makeCell(index));
    this.#rows.set(number, row);
    return row;
  }

  #makeCell(index) {
    const cell = document.createElement("div");
    cell.className = "virtual-grid-cell";
    cell.dataset.index = index;
    cell.tabIndex = index === this.#current ? 0 : -1;
    cell.setAttribute("role", "gridcell");
    cell.setAttribute("aria-colindex", (index % this.#columns) + 1);
    this.#fill(cell, index);
    return cell;
  }

  #fill(cell, index) {
    const item = this.itemAt(index);
    cell.classList.toggle("waiting", item === undefined);
    cell.ariaBusy = item === undefined ? "true" : null;
    if (item === undefined) return;
    cell.replaceChildren(this.#options.render(item, index));
    cell.ariaLabel = this.#options.label(item) || null;
  }

  #remove(number) {
    const row = this.#rows.get(number);
    this.#rows.delete(number);
    // A picture that left the page would still be loaded before those that came into sight.
    for (const image of row.querySelectorAll("img")) if (!image.complete) image.removeAttribute("src");
    row.remove();
  }

  /** Request the pages in sight that are missing, and no longer those out of sight. */
  #ask() {
    if (this.#renewal || !this.#total) return;
    const numbers = this.#pagesInSight();
    for (const [number, request] of this.#asked) {
      if (numbers.includes(number)) continue;
      this.#asked.delete(number);
      request.abort();
    }
    for (const number of numbers) if (!this.#pages.has(number) && !this.#asked.has(number)) this.#request(number);
  }

  async #request(number) {
    const { fetchPage, pageSize, failed } = this.#options;
    const request = new AbortController();
    this.#asked.set(number, request);
    try {
      const { items } = await fetchPage(number * pageSize, pageSize, request.signal);
      if (this.#asked.get(number) === request) this.#keep(number, items);
    } catch (error) {
      if (this.#asked.get(number) === request) failed(error);
    } finally {
      if (this.#asked.get(number) === request) this.#asked.delete(number);
    }
  }

  #keep(number, items) {
    this.#pages.set(number, items);
    const distance = (page) => Math.abs(page - number);
    const byDistance = [...this.#pages.keys()].sort((a, b) => distance(a) - distance(b));
    for (const page of byDistance.slice(KEPT_PAGES)) this.#pages.delete(page);
    for (const cell of this.#sheet.querySelectorAll(".waiting")) this.#fill(cell, Number(cell.dataset.index));
  }

  #onKey(event) {
    const cell = event.target;
    if (!cell.matches?.(".virtual-grid-cell") || event.ctrlKey || event.altKey || event.metaKey) return;
    const rows = Math.max(1, Math.floor(this.#height / this.#pitch()));
    const to = movedBy(event.key, this.#current, { columns: this.#columns, rows, total: this.#total });
    if (to !== null) this.focus(to);
    else if (event.key === "Enter" || event.key === " ") cell.firstElementChild?.click();
    else return;
    event.preventDefault();
  }

  #onFocus(event) {
    const cell = event.target.closest(".virtual-grid-cell");
    if (cell) this.#choose(Number(cell.dataset.index));
  }

  #choose(index) {
    const before = this.#cell(this.#current);
    this.#current = index;
    if (before) before.tabIndex = -1;
    const now = this.#cell(index);
    if (now) now.tabIndex = 0;
  }

  /** Tab has to find an item also after scrolling with the wheel. */
  #keepReachable() {
    const [first, last] = this.#rowsInSight(0);
    const row = this.#rowOf(this.#current);
    if (this.#total && (row < first || row > last)) this.#choose(first * this.#columns);
  }

  #rowsInSight(more) {
    const top = this.#container.scrollTop;
    const rows = Math.ceil(this.#total / this.#columns);
    const first = Math.floor(top / this.#pitch()) - more;
    const last = Math.floor((top + this.#height) / this.#pitch()) + more;
    return [Math.max(0, Math.min(first, rows - 1)), Math.min(last, rows - 1)];
  }

  #pagesInSight() {
    const [first, last] = this.#rowsInSight(NEAR);
    const { pageSize } = this.#options;
    const page = (index) => Math.floor(index / pageSize);
    const from = page(first * this.#columns);
    const to = Math.max(from, page(Math.min(this.#total, (last + 1) * this.#columns) - 1));
    return Array.from({ length: to - from + 1 }, (_, place) => from + place);
  }

  #cell(index) {
    return this.#rows.get(this.#rowOf(index))?.children[index % this.#columns];
  }

  #rowOf(index) {
    return Math.floor(index / this.#columns);
  }

  #pitch() {
    return this.#options.itemHeight + this.#options.gap;
  }

  #hasFocus() {
    return this.#sheet.contains(document.activeElement);
  }
}
