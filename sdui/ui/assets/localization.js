/**
 * Shows the page's own texts in the language of the settings; what people wrote and what files say stays as it is.
 *
 * In a key "#" stands for any number: "Sampling #/#" is found for "Sampling 3/20" and gets the numbers in their order.
 */

const ATTRIBUTES = ["placeholder", "title", "aria-label", "alt"];
/** In these is nothing that the page says itself. */
const FOREIGN = [
  "script, style, code, pre, [data-foreign], [contenteditable=true]",
  ".infotext :is(.prompt, .negative, .pairs, .parameters)",
  ":is(.foreign, [id$=_values_dropdown]) :is([role=option], .token)",
  "[id$=_examples] button, #licenses, #profile_list header b, td",
].join(", ");
/** Their own attributes are names of files. */
const NAMED = ".virtual-grid-cell, .card";
/** Texts of style sheets, by the property that overrides them. */
const IN_STYLES = {
  "--text-styles": "Styles",
  "--text-no-pictures": "There are no pictures here.",
  "--text-no-setting": "No setting has all these words.",
};
const NUMBER = /\d+(?:[.,]\d+)*/g;
/** Milliseconds between two looks at what is chosen in drop-downs: a script that sets a value changes no node. */
const PERIOD = 300;

/** The text in the other language with the blanks around it; null where the language has none. */
export function translated(text, texts) {
  const bare = text.trim();
  if (!bare) return null;
  const known = (key) => (Object.hasOwn(texts, key) && typeof texts[key] === "string" ? texts[key] : "");
  const other = known(bare) || withNumbers(bare, known);
  return other ? text.replace(bare, () => other) : null;
}

function withNumbers(text, known) {
  const numbers = text.match(NUMBER);
  const other = numbers && known(text.replace(NUMBER, "#"));
  return other ? other.replace(/#/g, () => numbers.shift() ?? "") : "";
}

function translateAttribute(element, name, texts) {
  const text = element.getAttribute(name);
  const other = text && !element.matches(NAMED) ? translated(text, texts) : null;
  if (other !== null) element.setAttribute(name, other);
}

function translateText(node, texts) {
  const parent = node.parentElement;
  if (parent instanceof HTMLTextAreaElement) return;
  const other = translated(node.data, texts);
  if (other === null) return;
  // An option without a value of its own has its text as the value.
  if (parent instanceof HTMLOptionElement) parent.setAttribute("value", parent.value);
  node.data = other;
}

const isForeign = (node) => node.nodeType === Node.ELEMENT_NODE && node.matches(FOREIGN);
const kept = (node) => (isForeign(node) ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT);

/** Everything in this part of the page. */
export function translate(root, texts) {
  if (!root.isConnected || root.parentElement?.closest(FOREIGN) || isForeign(root)) return;
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT, kept);
  for (let node = root; node; node = walker.nextNode()) {
    if (node.nodeType === Node.TEXT_NODE) translateText(node, texts);
    else if (node.nodeType === Node.ELEMENT_NODE && node.hasAttributes()) {
      for (const name of ATTRIBUTES) translateAttribute(node, name, texts);
    }
  }
}

function follow(change, texts) {
  if (change.type === "childList") change.addedNodes.forEach((node) => translate(node, texts));
  else if (change.type === "characterData") translate(change.target, texts);
  else if (!change.target.closest(FOREIGN)) translateAttribute(change.target, change.attributeName, texts);
}

/** What is chosen in a drop-down is the value of an input, which has to stay: style.css puts its words over it. */
export function showChosen(root, texts) {
  for (const input of root.querySelectorAll("input[role=combobox]")) {
    const place = input.parentElement;
    const other = input.closest(".foreign") ? null : translated(input.value, texts);
    if (other === (place.dataset.translated ?? null)) continue;
    if (other === null) delete place.dataset.translated;
    else place.dataset.translated = other;
  }
}

async function start() {
  const answer = await fetch("page/localization");
  const texts = answer.ok ? await answer.json() : {};
  if (Object.keys(texts).length === 0) return;
  if (texts.rtl) document.documentElement.dir = "rtl";
  for (const [property, text] of Object.entries(IN_STYLES)) {
    const other = translated(text, texts);
    if (other !== null) document.documentElement.style.setProperty(property, JSON.stringify(other));
  }
  translate(document.body, texts);
  const observer = new MutationObserver((changes) => {
    for (const change of changes) follow(change, texts);
    // What was written just now is no news, and could be a key itself.
    observer.takeRecords();
  });
  const attributes = { attributes: true, attributeFilter: ATTRIBUTES };
  observer.observe(document.body, { childList: true, subtree: true, characterData: true, ...attributes });
  const look = () => document.hidden || showChosen(document, texts);
  setInterval(look, PERIOD);
  document.addEventListener("focusout", () => requestAnimationFrame(look));
  look();
}

start();
