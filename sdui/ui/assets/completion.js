/** A list under the cursor of what may be meant: tags, LoRAs, embeddings, hypernetworks, wildcards and styles. */
import { byScript, replaceText } from "./editing.js";
import { preferences } from "./preferences.js";

const WAIT = 120;
/** Milliseconds without a key before the server is asked. */
const SHORTEST = 2;
const LIST = "prompt_completions";
const STRENGTH = 1;

/**
 * What is being typed: {kind, text}, the text up to the cursor; null where nothing can be completed.
 */
export function typedAt(text, cursor) {
  const before = text.slice(0, cursor);
  const tag = /<(lora|lyco|hypernet):([^:<>\n]*)$/.exec(before);
  if (tag) return { kind: tag[1] === "hypernet" ? "hypernetwork" : "lora", text: tag[2] };
  const line = before.slice(before.lastIndexOf("\n") + 1);
  const wildcards = line.split("__");
  // Between an odd and an even pair of underscores.
  if (wildcards.length % 2 === 0 && /^[^\s,]*$/.test(wildcards.at(-1))) return { kind: "wildcard", text: wildcards.at(-1) };
  const word = /[^,\n()[\]{}<>|:]*$/.exec(before)[0].trimStart();
  return word.length >= SHORTEST && /\S$/.test(word) ? { kind: "word", text: word.slice(-200) } : null;
}

/** The prompt with an entry of the list in the place of what was typed. */
export function completed(text, cursor, entry) {
  const start = cursor - entry.replaced;
  let after = text.slice(cursor);
  let inserted = entry.insert;
  if (entry.kind === "lora" || entry.kind === "hypernetwork") {
    after = after.replace(/^[^<>,\n]*>/, "");
    inserted += `:${STRENGTH}>`;
  } else if (entry.kind === "wildcard") after = after.replace(/^[^\s,]*?__/, "");
  else if (entry.insert && /^\s*(\n|$)/.test(after)) inserted += ", ";
  return { text: text.slice(0, start) + inserted + after, cursor: start + inserted.length };
}

/** Where the cursor is in the window, in pixels: a hidden copy of the box tells. */
function placeOfCursor(box) {
  const style = getComputedStyle(box);
  const copy = document.createElement("div");
  for (const name of ["font", "letterSpacing", "padding", "border", "lineHeight", "tabSize"]) copy.style[name] = style[name];
  Object.assign(copy.style, { position: "absolute", visibility: "hidden", whiteSpace: "pre-wrap", overflowWrap: "break-word" });
  Object.assign(copy.style, { boxSizing: "border-box", width: `${box.clientWidth}px`, top: "0", left: "0" });
  const mark = document.createElement("span");
  mark.textContent = "\u200b";
  copy.append(box.value.slice(0, box.selectionStart), mark);
  document.body.append(copy);
  const frame = box.getBoundingClientRect();
  const place = { x: frame.left + mark.offsetLeft, y: frame.top + mark.offsetTop - box.scrollTop, height: mark.offsetHeight };
  copy.remove();
  return place;
}

let open = null;
/** {box, entries, chosen, list} while the list is shown. */
let asking = new AbortController();
let timer = 0;

/** An answer that is under way would put another list in the place of this one. */
function stopAsking() {
  clearTimeout(timer);
  asking.abort();
}

function close() {
  stopAsking();
  if (!open) return;
  open.list.remove();
  for (const name of ["role", "aria-expanded", "aria-controls", "aria-autocomplete", "aria-activedescendant"]) {
    open.box.removeAttribute(name);
  }
  open = null;
}

function option(entry, index) {
  const line = document.createElement("li");
  line.id = `${LIST}_${index}`;
  line.role = "option";
  line.ariaSelected = "false";
  const label = Object.assign(document.createElement("span"), { textContent: entry.label });
  const kind = entry.kind === "tag" ? entry.note : entry.kind;
  line.append(label, Object.assign(document.createElement("small"), { textContent: kind }));
  return line;
}

/** Beside the cursor, also when the page has moved below the list: a result that arrives makes it longer. */
function place(list, box) {
  const { x, y, height } = placeOfCursor(box);
  const below = y + height + list.offsetHeight < innerHeight || y < list.offsetHeight;
  list.style.left = `${Math.max(4, Math.min(x, innerWidth - list.offsetWidth - 4))}px`;
  list.style.top = `${below ? y + height + 2 : y - list.offsetHeight - 2}px`;
}

function show(box, entries) {
  close();
  if (!entries.length || document.activeElement !== box) return;
  const list = document.createElement("ul");
  Object.assign(list, { id: LIST, role: "listbox", ariaLabel: "Completions" });
  list.dataset.foreign = "";
  list.append(...entries.map(option));
  document.body.append(list);
  place(list, box);
  for (const [name, value] of Object.entries({ role: "combobox", "aria-expanded": "true", "aria-controls": LIST })) {
    box.setAttribute(name, value);
  }
  box.setAttribute("aria-autocomplete", "list");
  open = { box, entries, chosen: -1, list };
}

function choose(index) {
  stopAsking();
  open.list.children[open.chosen]?.setAttribute("aria-selected", "false");
  open.chosen = (index + open.entries.length) % open.entries.length;
  const line = open.list.children[open.chosen];
  line.ariaSelected = "true";
  line.scrollIntoView({ block: "nearest" });
  open.box.setAttribute("aria-activedescendant", line.id);
}

function take(index) {
  const { box, entries } = open;
  const entry = entries[index];
  close();
  const { text, cursor } = completed(box.value, box.selectionStart, entry);
  replaceText(box, text, cursor);
  if (entry.kind === "style") chooseStyle(box, entry.label);
}

/** A style's words are added when pictures are made; it is chosen under Generate. */
function chooseStyle(box, name) {
  const tab = box.closest("[id$=_toprow], [id^=txt2img_], [id^=img2img_]")?.id.split("_")[0];
  const button = document.getElementById(`${tab}_add_style`);
  if (!button) return;
  button.dataset.style = name;
  button.click();
}

async function ask(box) {
  const typed = box.selectionStart === box.selectionEnd ? typedAt(box.value, box.selectionStart) : null;
  if (!typed) return close();
  stopAsking();
  const { signal } = (asking = new AbortController());
  if (!(await preferences()).prompt_completion) return close();
  try {
    const answer = await fetch(`page/completions?${new URLSearchParams(typed)}`, { signal });
    const entries = answer.ok ? await answer.json() : [];
    if (!signal.aborted) show(box, entries);
  } catch {
    // Another key was faster, or the server is away.
  }
}

function onInput(event) {
  const box = event.target;
  if (!(box instanceof HTMLTextAreaElement) || !box.closest(".prompt")) return;
  clearTimeout(timer);
  if (byScript() || event.isComposing || !event.inputType) return close();
  timer = setTimeout(ask, WAIT, box);
}

function onKey(event) {
  if (!open || event.target !== open.box || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const actions = {
    ArrowDown: () => choose(open.chosen + 1),
    ArrowUp: () => choose(open.chosen < 0 ? -1 : open.chosen - 1),
    Tab: () => take(Math.max(open.chosen, 0)),
    Escape: close,
    // Without a choice it is a new line as always.
    Enter: open.chosen < 0 ? null : () => take(open.chosen),
  };
  const act = actions[event.key];
  if (!act || event.shiftKey) {
    if (["Enter", "ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) close();
    return;
  }
  event.preventDefault();
  act();
}

document.addEventListener("input", onInput);
document.addEventListener("keydown", onKey, true);
document.addEventListener("focusout", close);
document.addEventListener("scroll", (event) => {
  if (open && !open.list.contains(event.target)) place(open.list, open.box);
}, true);
document.addEventListener("mousedown", (event) => {
  if (!open?.list.contains(event.target)) return;
  // The box keeps the focus, also while the list is scrolled.
  event.preventDefault();
  const index = [...open.list.children].indexOf(event.target.closest("li"));
  if (index >= 0) take(index);
});
