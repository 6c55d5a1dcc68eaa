/** One saved picture over the whole window, with what it was made with and what can be done with it. */

const SIZES = ["B", "kB", "MB", "GB"];

/** 1234567 -> "1.2 MB". */
export function fileSize(bytes) {
  const step = bytes < 1000 ? 0 : Math.min(SIZES.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** step;
  return `${step && value < 100 ? value.toFixed(1) : Math.round(value)} ${SIZES[step]}`;
}

/** The server's answer as JSON. Throws an Error with the server's words. body: makes it a POST. */
export async function ask(path, { body, signal } = {}) {
  const post = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  let answer;
  try {
    answer = await fetch(`page/history${path}`, { signal, ...(body && post) });
  } catch (error) {
    throw error.name === "AbortError" ? error : new Error("The server does not answer.");
  }
  const content = await answer.json().catch(() => ({}));
  if (answer.ok) return content;
  const why = content.detail ?? content.error;
  throw new Error(typeof why === "string" ? why : `The server answers with an error, ${answer.status}.`);
}

const VIEWER = `
  <div class="history-stage">
    <button type="button" data-do="previous" aria-label="Newer picture" title="Newer (←)">‹</button>
    <img alt="" data-foreign>
    <button type="button" data-do="next" aria-label="Older picture" title="Older (→)">›</button>
  </div>
  <aside>
    <header><h2 data-foreign></h2><button type="button" data-do="close" aria-label="Close" title="Close (Esc)">✕</button></header>
    <p class="history-facts"></p>
    <p class="error" role="alert" hidden></p>
    <div class="history-actions">
      <button type="button" data-do="star" aria-pressed="false"></button>
      <a target="_blank" rel="noopener">Open full size</a>
      <button type="button" data-do="delete" title="Delete (Del)">Delete</button>
    </div>
    <div class="history-actions" data-send></div>
    <div class="infotext"></div>
  </aside>`;

const QUESTION = `
  <form method="dialog">
    <p></p>
    <div class="history-actions">
      <button value="delete" class="danger">Move to the trash</button>
      <button value="keep" autofocus>Keep</button>
    </div>
  </form>`;

function dialog(className, label, content) {
  const made = document.createElement("dialog");
  made.className = className;
  made.setAttribute("aria-label", label);
  made.innerHTML = content;
  return made;
}

/** Whether the picture is to be deleted. */
export async function confirmed(item, parent) {
  const question = dialog("history-question", "Delete this picture?", QUESTION);
  question.querySelector("p").textContent = `Move ${item.name} to the trash?`;
  parent.append(question);
  question.showModal();
  await new Promise((resolve) => question.addEventListener("close", resolve, { once: true }));
  question.remove();
  return question.returnValue === "delete";
}

/**
 * @param {HTMLElement} parent
 * @param {object} list
 * @param {(index: number) => Promise<any>} list.load the item at this place; undefined beyond the end
 * @param {() => Promise<void>} list.changed to be called after a picture was deleted or got a star
 * @param {(index: number) => void} list.closed hears which picture was shown last
 * @param {() => number} list.total
 */
export class Viewer {
  #list;
  #dialog = dialog("history-viewer", "Saved picture", VIEWER);
  #index = 0;
  #item = null;

  constructor(parent, list) {
    this.#list = list;
    parent.append(this.#dialog);
    for (const target of document.querySelectorAll(".history-to")) this.#addTarget(parent, target);
    this.#dialog.addEventListener("click", (event) => this.#onClick(event));
    this.#dialog.addEventListener("keydown", (event) => this.#onKey(event));
    this.#dialog.addEventListener("close", () => list.closed(this.#index));
  }

  async show(index) {
    const item = await this.#list.load(index);
    if (!item) return;
    this.#index = index;
    this.#item = item;
    this.#draw(item);
    if (!this.#dialog.open) this.#dialog.showModal();
    await this.#try(async () => this.#tell(item, await ask(`/${item.id}`)));
  }

  #part(selector) {
    return this.#dialog.querySelector(selector);
  }

  #addTarget(parent, target) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = target.textContent.trim();
    button.dataset.to = target.id;
    button.addEventListener("click", () => {
      parent.dataset.chosen = this.#item.id;
      this.#dialog.close();
      target.click();
    });
    this.#part("[data-send]").append(button);
  }

  #draw(item) {
    this.#part("h2").textContent = item.name;
    this.#part(".history-facts").textContent = "";
    this.#part(".infotext").replaceChildren();
    this.#part(".error").hidden = true;
    this.#part("a").href = `page/history/${item.id}/picture`;
    this.#part("[data-do=previous]").disabled = this.#index === 0;
    this.#part("[data-do=next]").disabled = this.#index >= this.#list.total() - 1;
    this.#part("[data-to=history_to_txt2img]")?.removeAttribute("disabled");
    this.#drawStar(item.favourite);
    const image = this.#part("img");
    image.alt = item.prompt || item.name;
    // The small picture is there already; the large one takes its place when it has come.
    image.src = `page/history/${item.id}/thumbnail`;
    const large = new Image();
    large.src = `page/history/${item.id}/picture`;
    large.decode().then(
      () => this.#item === item && (image.src = large.src),
      () => {},
    );
  }

  #drawStar(favourite) {
    const star = this.#part("[data-do=star]");
    star.setAttribute("aria-pressed", favourite);
    star.textContent = favourite ? "★ Favourite" : "☆ Favourite";
    const remove = this.#part("[data-do=delete]");
    remove.disabled = favourite;
    remove.title = favourite ? "A favourite is not deleted; take its star away first" : "Delete (Del)";
  }

  /** What only the file itself knows. */
  #tell(item, details) {
    if (this.#item !== item) return;
    const size = details.width ? `${details.width}×${details.height}, ` : "";
    const facts = `${details.made} · ${size}${fileSize(details.bytes)} · ${details.folder}`;
    this.#part(".history-facts").textContent = facts;
    // Made by markup.summary, which escapes every text.
    this.#part(".infotext").innerHTML = details.html || "<p>This picture holds no parameters.</p>";
    const send = this.#part("[data-to=history_to_txt2img]");
    if (send) send.disabled = !details.parameters;
  }

  async #try(what) {
    const said = this.#part(".error");
    said.hidden = true;
    try {
      await what();
    } catch (error) {
      said.textContent = error.message;
      said.hidden = false;
    }
  }

  async #star() {
    const favourite = this.#part("[data-do=star]").getAttribute("aria-pressed") !== "true";
    await this.#try(async () => {
      await ask(`/${this.#item.id}/favourite`, { body: { favourite } });
      this.#drawStar(favourite);
      await this.#list.changed();
    });
  }

  async #delete() {
    const item = this.#item;
    if (this.#part("[data-do=delete]").disabled || !(await confirmed(item, this.#dialog))) return;
    await this.#try(async () => {
      await ask(`/${item.id}/delete`, { body: {} });
      await this.#list.changed();
      const left = this.#list.total();
      if (left) await this.show(Math.min(this.#index, left - 1));
      else this.#dialog.close();
    });
  }

  #onClick(event) {
    const actions = {
      previous: () => this.show(this.#index - 1),
      next: () => this.show(this.#index + 1),
      close: () => this.#dialog.close(),
      star: () => this.#star(),
      delete: () => this.#delete(),
    };
    const button = event.target.closest("[data-do]");
    if (button && !button.disabled) actions[button.dataset.do]();
    else if (event.target === this.#dialog) this.#dialog.close();
  }

  #onKey(event) {
    const names = { ArrowLeft: "previous", ArrowRight: "next", Delete: "delete" };
    const button = names[event.key] && this.#part(`[data-do=${names[event.key]}]`);
    if (!button || event.target.closest(".history-question")) return;
    event.preventDefault();
    button.click();
  }
}
