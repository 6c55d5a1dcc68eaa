/** Puts what a card stands for into a prompt, and takes it out again. */

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** The text without what the pattern finds and the commas and spaces before it. */
function without(text, pattern) {
  const kept = text.replace(new RegExp(`(?<![,\\s])[,\\s]*${pattern}`, "gu"), "");
  return kept === text ? text : kept.replace(/^[,\s]+/, "");
}

/** Finds these words where they are no part of longer ones. */
const asWords = (words) => `(?<![\\p{L}\\p{N}_])${escaped(words)}(?![\\p{L}\\p{N}_])`;

/** Finds <lora:name:...> with whatever strength, or the words. */
const finding = (tag) => (tag.startsWith("<") ? `${escaped(tag.replace(/:[^:]*>$/, ""))}(?::[^<>]*)?>` : asWords(tag));

/** Whether a prompt has a tag, with whatever strength. */
export const holds = (prompt, tag) => without(prompt, finding(tag)) !== prompt;

/**
 * A prompt with a tag and the words that belong to it at its end or, where it has the tag, without both.
 * @param {string} separator stands before the tag
 */
export function toggled(prompt, tag, { words = "", separator = " " } = {}) {
  const rest = without(prompt, finding(tag));
  if (rest !== prompt) return words ? without(rest, asWords(words)) : rest;
  return [prompt, [tag, words].filter(Boolean).join(" ")].filter(Boolean).join(separator);
}

/** Of a tab: "prompt" or "neg_prompt". */
export const promptBox = (tab, name = "prompt") => document.querySelector(`#${tab}_${name} textarea`);

/** Which of the tab's prompts was focused last. */
export function lastPrompt(tab) {
  return promptBox(tab, "neg_prompt")?.dataset.focusedLast ? "neg_prompt" : "prompt";
}

/** Change a prompt as if it were typed, so that it can be undone. */
export function toggleIn(box, tag, how) {
  if (!box) return;
  box.setRangeText(toggled(box.value, tag, how), 0, box.value.length, "end");
  box.dispatchEvent(new Event("input", { bubbles: true }));
}

document.addEventListener("focusin", (event) => {
  const [, tab, name] = event.target.closest?.("[id$=_prompt]")?.id.match(/^(\w+?)_((?:neg_)?prompt)$/) ?? [];
  if (!tab) return;
  const negative = promptBox(tab, "neg_prompt");
  if (!negative) return;
  if (name === "neg_prompt") negative.dataset.focusedLast = "yes";
  else delete negative.dataset.focusedLast;
});
