/** What Gradio's own parts lack for keyboards and screen readers. */

/** The tab that a key moves to from the one at `at`; null for keys that move nothing. */
export function tabAfter(key, at, count) {
  const places = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: count - 1 };
  return Object.hasOwn(places, key) ? (places[key] + count) % count : null;
}

/** Arrows go along a row of tabs, Enter opens the one that has the focus. */
function onKey(event) {
  const tab = event.target.closest?.("[role=tab]");
  if (!tab || event.ctrlKey || event.altKey || event.metaKey) return;
  const tabs = [...tab.closest("[role=tablist]").querySelectorAll("[role=tab]:not(:disabled)")];
  const place = tabAfter(event.key, tabs.indexOf(tab), tabs.length);
  if (place === null) return;
  event.preventDefault();
  tabs[place].focus();
}

/** A row of tabs that is wider than the window shows the one that is open, also when a button has opened it. */
function showOpenTab(row) {
  const open = row.querySelector("[role=tab][aria-selected=true]");
  if (!open || row.dataset.shown === open.id) return;
  row.dataset.shown = open.id;
  row.scrollLeft = open.offsetLeft - (row.clientWidth - open.offsetWidth) / 2;
}

/** A control's hint is read with it. */
function tieHint(hint) {
  const block = hint.closest(".block[id]");
  if (!block) return;
  hint.id = `${block.id}_hint`;
  for (const control of block.querySelectorAll("fieldset, textarea, input:not([type=radio])")) {
    control.setAttribute("aria-describedby", hint.id);
  }
}

/** To be called after the page has changed. */
export function mend() {
  for (const empty of document.querySelectorAll("[aria-label='Empty value']:not([role])")) {
    empty.role = "img";
    empty.ariaLabel = "Nothing here yet";
  }
  for (const row of document.querySelectorAll("[role=tablist]")) showOpenTab(row);
  for (const hint of document.querySelectorAll(".block[id] .info-text:not([id])")) tieHint(hint);
}

document.addEventListener("keydown", onKey);
