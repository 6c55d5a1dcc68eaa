/** Changes a text box as typing would, so that Ctrl+Z takes it back and Gradio hears of it. */

let changing = false;

/** Whether the input event that is being handled comes from `replaceText`. */
export const byScript = () => changing;

/** The smallest piece to exchange: `text` is `before` with from..to exchanged for `inserted`. */
export function difference(before, text) {
  const most = Math.min(before.length, text.length);
  let from = 0;
  while (from < most && before[from] === text[from]) from++;
  let rest = 0;
  while (rest < most - from && before.at(-1 - rest) === text.at(-1 - rest)) rest++;
  // Half of an emoji cannot be inserted.
  const isLow = (sign) => sign >= "\udc00" && sign <= "\udfff";
  if (from > 0 && (isLow(before[from] ?? "") || isLow(text[from] ?? ""))) from--;
  if (rest > 0 && isLow(before.at(-rest))) rest--;
  return { from, to: before.length - rest, inserted: text.slice(from, text.length - rest) };
}

/** Let the box hold `text`, with start..end selected. */
export function replaceText(box, text, start = text.length, end = start) {
  const { from, to, inserted } = difference(box.value, text);
  box.focus();
  if (from !== to || inserted) {
    box.setSelectionRange(from, to);
    changing = true;
    // The only way that leaves the browser's own undo whole.
    if (!document.execCommand(inserted ? "insertText" : "delete", false, inserted)) {
      box.setRangeText(inserted, from, to, "end");
      box.dispatchEvent(new Event("input", { bubbles: true }));
    }
    changing = false;
  }
  box.setSelectionRange(start, end);
}
