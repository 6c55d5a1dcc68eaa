/** Keys in prompts: Ctrl+Up and Down change attention, Alt+Left and Right move what stands between two commas. */
import { replaceText } from "./editing.js";
import { known, preferences } from "./preferences.js";

const NUMBER = /^\s*[+-]?(\d+\.?\d*|\.\d+)\s*$/;
const TAG = /<\w+:[^<>]*>/y;
const OPENER = { ")": "(", "]": "[" };
const WITHOUT_NUMBER = { "(": 1.1, "[": 0.9 };
const BLANK_OR_MARK = /[\s()[\]<>|]/;

/**
 * The brackets that have a partner, with the colons and bars that are their own, and the tags such as <lora:a:1>.
 * A character after a backslash is text.
 */
export function structure(text) {
  const groups = [];
  const tags = [];
  const open = [];
  for (let at = 0; at < text.length; at++) {
    const sign = text[at];
    TAG.lastIndex = at;
    if (sign === "\\") at++;
    else if (sign === "<" && TAG.test(text)) {
      tags.push({ start: at, end: TAG.lastIndex });
      at = TAG.lastIndex - 1;
    } else if (sign === "(" || sign === "[") open.push({ sign, start: at, marks: [] });
    else if (sign in OPENER) {
      const place = open.findLastIndex((one) => one.sign === OPENER[sign]);
      if (place >= 0) groups.push({ ...open.splice(place)[0], end: at + 1 });
    } else if ((sign === ":" || sign === "|") && open.length) open.at(-1).marks.push(at);
  }
  return { groups, tags };
}

/** What a bracket holds, from..to, and its weight; null for one that changes over the steps, [a:b:0.5] or [a|b]. */
function weighted(text, group) {
  const from = group.start + 1;
  if (group.sign === "[") return group.marks.length ? null : { ...group, from, to: group.end - 1, weight: WITHOUT_NUMBER["["] };
  const colon = group.marks.at(-1);
  const number = colon === undefined ? "" : text.slice(colon + 1, group.end - 1);
  const has = text[colon] === ":" && NUMBER.test(number);
  return { ...group, from, to: has ? colon : group.end - 1, weight: has ? Number(number) : WITHOUT_NUMBER["("] };
}

/** The word around a place; empty where there is none. An escaped bracket is a part of it. */
function wordAt(text, place, delimiters) {
  const parts = [...text.matchAll(/\\[()[\]\\]|[^]/g)].map((match) => ({
    from: match.index,
    to: match.index + match[0].length,
    ends: match[0].length === 1 && (BLANK_OR_MARK.test(match[0]) || delimiters.includes(match[0])),
  }));
  let first = parts.findIndex((part) => part.to > place);
  if (first < 0) first = parts.length;
  let last = first;
  while (first > 0 && !parts[first - 1].ends) first--;
  while (last < parts.length && !parts[last].ends) last++;
  return first < last ? { from: parts[first].from, to: parts[last - 1].to } : { from: place, to: place };
}

const written = (weight) => (Number.isInteger(weight) ? `${weight + 0}.0` : String(weight));
const sum = (weight, step) => Number((weight + step).toPrecision(12)) + 0;

/** A tag with another weight: of the number that the cursor is in, else of the first. */
function changedTag(text, tag, place, step) {
  const parts = text.slice(tag.start, tag.end - 1).split(":");
  let at = tag.start;
  const begins = parts.map((part) => (at += part.length + 1) - part.length - 1);
  let chosen = parts.findIndex((part, index) => index > 1 && place >= begins[index] && place <= begins[index] + part.length);
  if (chosen < 0 || !NUMBER.test(parts[chosen])) chosen = 2;
  if (parts.length > 2 && !NUMBER.test(parts[chosen])) return null;
  parts[chosen] = written(sum(Number(parts[chosen] ?? 1), step));
  return `${parts.join(":")}>`;
}

/**
 * The prompt with more or less attention on what is selected, or on the tag, bracket or word at the cursor.
 * options: the preferences keyedit_precision_attention, keyedit_precision_extra and keyedit_delimiters.
 * @returns {{text: string, start: number, end: number} | null} null where there is nothing to change
 */
export function changeAttention(text, start, end, up, options) {
  const sign = up ? 1 : -1;
  if (start !== end) {
    while (start < end && /[\s,]/.test(text[start])) start++;
    while (start < end && /[\s,]/.test(text[end - 1])) end--;
  }
  const { groups, tags } = structure(text);
  const tag = tags.find((one) => one.start <= start && end <= one.end && (start !== end || (one.start < start && end < one.end)));
  if (tag) {
    const changed = changedTag(text, tag, start, sign * options.keyedit_precision_extra);
    if (changed === null) return null;
    const most = tag.start + changed.length - 1;
    return { text: text.slice(0, tag.start) + changed + text.slice(tag.end), start: Math.min(start, most), end: Math.min(end, most) };
  }
  const fits = (one) =>
    start === end
      ? one.start < start && start < one.end
      : (one.start === start && one.end === end) || (one.from === start && one.to === end);
  // The innermost closes first.
  const bracket = groups.map((group) => weighted(text, group)).find((one) => one && fits(one));
  const plain = start === end ? wordAt(text, start, options.keyedit_delimiters) : { from: start, to: end };
  const { from, to, weight } = bracket ?? { ...plain, weight: 1 };
  if (from === to) return null;
  const inner = text.slice(from, to);
  const changed = sum(weight, sign * options.keyedit_precision_attention);
  const [before, after] = changed === 1 ? ["", ""] : ["(", `:${written(changed)})`];
  const head = text.slice(0, bracket?.start ?? from) + before;
  return { text: head + inner + after + text.slice(bracket?.end ?? to), start: head.length, end: head.length + inner.length };
}

/**
 * The prompt with what stands between two commas exchanged with its neighbour; commas in brackets and tags are text.
 * @returns {{text: string, start: number, end: number} | null} null where there is no neighbour
 */
export function moveElement(text, start, end, right) {
  const { groups, tags } = structure(text);
  const inside = (at) => [...groups, ...tags].some((one) => one.start < at && at < one.end);
  const commas = [...text.matchAll(/,/g)].map((match) => match.index).filter((at) => !inside(at));
  const begins = [0, ...commas.map((at) => at + 1)];
  const elements = begins.map((from, index) => {
    const whole = text.slice(from, commas[index] ?? text.length);
    const first = from + whole.length - whole.trimStart().length;
    return { from: first, to: first + whole.trim().length };
  });
  const own = elements[commas.filter((at) => at < start).length];
  const other = elements[elements.indexOf(own) + (right ? 1 : -1)];
  if (!other || own.from >= own.to || other.from >= other.to) return null;
  const [one, two] = right ? [own, other] : [other, own];
  const piece = ({ from, to }) => text.slice(from, to);
  const moved = text.slice(0, one.from) + piece(two) + text.slice(one.to, two.from) + piece(one) + text.slice(two.to);
  const shift = right ? two.to - own.to : one.from - own.from;
  const within = (at) => Math.min(Math.max(at, own.from), own.to) + shift;
  return { text: moved, start: within(start), end: within(end) };
}

function change(box, how) {
  const changed = how(box.value, box.selectionStart, box.selectionEnd);
  if (changed) replaceText(box, changed.text, changed.start, changed.end);
}

async function onKey(event) {
  const box = event.target;
  if (event.defaultPrevented || !(box instanceof HTMLTextAreaElement) || !box.closest(".prompt")) return;
  const vertical = ["ArrowUp", "ArrowDown"].includes(event.key) && (event.ctrlKey || event.metaKey) && !event.altKey;
  const sideways = ["ArrowLeft", "ArrowRight"].includes(event.key) && event.altKey && !event.ctrlKey && !event.metaKey;
  if (event.shiftKey || !(vertical || (sideways && known()?.keyedit_move !== false))) return;
  event.preventDefault();
  const options = await preferences();
  if (vertical && "keyedit_delimiters" in options)
    change(box, (...at) => changeAttention(...at, event.key === "ArrowUp", options));
  else if (options.keyedit_move) change(box, (...at) => moveElement(...at, event.key === "ArrowRight"));
}

document.addEventListener("keydown", onKey);
document.addEventListener("focusin", (event) => {
  if (event.target.closest?.(".prompt")) preferences();
});
