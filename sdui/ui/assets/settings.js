/** The Settings tab: its pages, search, marks of what is not saved or not the default, and buttons in lists. */

const byId = (id) => document.getElementById(id);
const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/** What there is to know of the rows, in their order: {id, name, default}. */
const described = () => JSON.parse(document.querySelector("#settings_list [data-rows]")?.dataset.rows ?? "[]");

/** A value as a person reads it in a tooltip. */
export function inWords(value) {
  if (typeof value === "boolean") return value ? "on" : "off";
  return value === "" || value === null || (Array.isArray(value) && !value.length) ? "empty" : String(value);
}

/** Whether every word of a search is somewhere in a text. */
export function matches(text, search) {
  const lower = text.toLowerCase();
  return search.toLowerCase().split(/\s+/).every((word) => lower.includes(word));
}

/** The values of all rows after one was reset. */
export function reset(values) {
  const name = byId("settings_reset").dataset.value;
  return described().map((row, place) => (row.name === name ? row.default : values[place]));
}

function resetButton(element, row) {
  const button = document.createElement("button");
  const label = element.querySelector("[data-testid=block-info], label span")?.textContent.trim() ?? row.name;
  button.type = "button";
  button.className = "reset-setting";
  button.dataset.press = "settings_reset";
  button.dataset.value = row.name;
  button.title = `Back to the default: ${inWords(row.default)}`;
  button.setAttribute("aria-label", `${label}: back to the default, ${inWords(row.default)}`);
  return button;
}

/** A row shows whether it differs from its default and from what is saved. */
function markRow(row, saved, value) {
  const element = byId(row.id);
  element.title ||= `${row.name}, default: ${inWords(row.default)}`;
  element.toggleAttribute("data-unsaved", !same(value, saved));
  const button = element.querySelector(":scope > .reset-setting");
  if (same(value, row.default)) button?.remove();
  else if (!button) element.append(resetButton(element, row));
}

/** All rows; where the tab is not on the page yet, as soon as it is. */
export function mark(saved, values, patience = 100) {
  const rows = described();
  if (!rows.length || !byId(rows.at(-1).id)) {
    if (patience) setTimeout(() => mark(saved, values, patience - 1), 50);
    return;
  }
  values.forEach((value, place) => markRow(rows[place], saved[place], value));
  const unsaved = document.querySelectorAll("#settings_pages .setting[data-unsaved]");
  byId("settings_submit").dataset.unsaved = unsaved.length || "";
  for (const button of document.querySelectorAll("#settings_list [data-page]")) {
    button.toggleAttribute("data-unsaved", [...unsaved].some((row) => row.closest(`#${button.dataset.page}`)));
  }
}

function openPage(name) {
  const pages = byId("settings_pages");
  pages.toggleAttribute("data-chosen", true);
  for (const page of pages.querySelectorAll(":scope > .settings-page")) {
    page.toggleAttribute("data-open", page.id === name);
  }
  for (const button of document.querySelectorAll("#settings_list [data-page]")) {
    if (button.dataset.page === name) button.setAttribute("aria-current", "page");
    else button.removeAttribute("aria-current");
  }
  byId(`${name}_open`)?.click();
}

function showAll(all) {
  byId("settings_pages").toggleAttribute("data-all", all);
  byId("settings_bar").toggleAttribute("data-all", all);
}

function search(words) {
  const pages = byId("settings_pages");
  const found = new Map(described().map((row) => [row.id, row.name]));
  pages.toggleAttribute("data-search", words !== "");
  for (const page of pages.querySelectorAll(":scope > .settings-page")) {
    const rows = [...page.querySelectorAll(".setting")];
    for (const row of rows) {
      const text = `${found.get(row.id) ?? ""} ${row.textContent}`;
      row.toggleAttribute("data-missed", words !== "" && !matches(text, words));
    }
    page.toggleAttribute("data-missed", rows.every((row) => row.hasAttribute("data-missed")));
  }
  const none = words !== "" && !pages.querySelector(".setting:not([data-missed])");
  pages.toggleAttribute("data-none", none);
}

/** Hands the value of a button in a list to a hidden one of the page, and what was answered to its question. */
function press(button) {
  const { press: target, value, asks, answer } = button.dataset;
  const said = answer === undefined ? asks === undefined || window.confirm(asks) : window.prompt(asks, answer);
  if (!said) return;
  Object.assign(byId(target).dataset, { value, answer: typeof said === "string" ? said : "" });
  byId(target).click();
}

function onClick(event) {
  const button = event.target.closest?.("button");
  if (!button) return;
  if (button.dataset.press) {
    event.preventDefault();
    press(button);
  } else if (button.dataset.page && button.closest("#settings_list")) {
    const words = document.querySelector("#settings_search :is(input, textarea)");
    if (words?.value) {
      words.value = "";
      words.dispatchEvent(new Event("input", { bubbles: true }));
    }
    const all = byId("settings_pages").hasAttribute("data-all") && !button.dataset.page.startsWith("settings_tab_");
    if (all) byId(button.dataset.page).scrollIntoView();
    else {
      showAll(false);
      openPage(button.dataset.page);
    }
  } else if (button.id === "settings_show_all_pages") showAll(true);
  else if (button.id === "settings_show_one_page") showAll(false);
}

function onInput(event) {
  if (event.target.closest?.("#settings_search")) search(event.target.value.trim());
}

/** Asks the browser's user; a sentence of HTML about the answer. */
export async function askForNotifications() {
  const answer = "Notification" in window ? await Notification.requestPermission() : "unsupported";
  const words = {
    granted: "This browser will show notifications.",
    denied: "This browser does not show notifications of this page; its own settings can change that.",
    default: "Nothing was decided.",
    unsupported: "This browser has no notifications, or only on pages with https.",
  };
  return `<p class="notice">${words[answer]}</p>`;
}

let marking;

/** Whatever a person does to a row may have changed its value; looked at as soon as they pause. */
function onTouch(event) {
  if (!event.isTrusted || !event.target.closest?.("#settings_pages .setting")) return;
  clearTimeout(marking);
  marking = setTimeout(() => byId("settings_mark")?.click(), 250);
}

document.addEventListener("click", onClick);
document.addEventListener("input", onInput);
for (const touch of ["click", "input", "change", "keyup", "pointerup"]) document.addEventListener(touch, onTouch);
