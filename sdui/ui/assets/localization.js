/** Shows the page's own texts in the language of the settings; what people wrote and what pictures say stays as it is. */

const ATTRIBUTES = ["placeholder", "title", "aria-label", "alt"];
const FOREIGN = "textarea, script, style, code, pre, .infotext, .token, [data-foreign], [contenteditable]";

/** The text in the other language with the blanks around it; null where the language has none. */
export function translated(text, texts) {
  const bare = text.trim();
  const other = bare && Object.hasOwn(texts, bare) ? texts[bare] : "";
  return other ? text.replace(bare, () => other) : null;
}

function translateAttributes(element, texts) {
  for (const name of ATTRIBUTES) {
    const other = translated(element.getAttribute(name) ?? "", texts);
    if (other !== null) element.setAttribute(name, other);
  }
}

/** Everything in this part of the page. */
export function translate(root, texts) {
  const inside = root.nodeType === Node.ELEMENT_NODE ? root : root.parentElement;
  if (!inside || inside.closest("script, style, code, pre, .infotext, .token, [data-foreign]")) return;
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
  for (let node = root; node; node = walker.nextNode()) {
    if (node.nodeType === Node.ELEMENT_NODE) {
      translateAttributes(node, texts);
    } else if (!node.parentElement?.closest(FOREIGN)) {
      const other = translated(node.data, texts);
      if (other !== null) node.data = other;
    }
  }
}

async function start() {
  const answer = await fetch("/page/localization");
  const texts = answer.ok ? await answer.json() : {};
  if (Object.keys(texts).length === 0) return;
  if (texts.rtl) document.documentElement.dir = "rtl";
  translate(document.body, texts);
  new MutationObserver((changes) => {
    for (const change of changes) {
      if (change.type === "childList") change.addedNodes.forEach((node) => translate(node, texts));
      else translate(change.target, texts);
    }
  }).observe(document.body, { childList: true, subtree: true, characterData: true });
}

start();
