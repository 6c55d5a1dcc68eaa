/** Widths and heights: both from one pasted text, and one from the other in a fixed ratio. */

const STEP = 8;
const SIDES = ["width", "height"];

/** "768x512" -> [768, 512]; null for other texts. */
export function sizeIn(text) {
  const found = /^\s*(\d{1,5})\s*[x×*,]\s*(\d{1,5})\s*$/i.exec(text);
  return found && [Number(found[1]), Number(found[2])];
}

const rounded = (pixels) => Math.max(STEP, Math.round(pixels / STEP) * STEP);

/** What "16:9" makes of a size: [the ratio to keep from now on, width, height], with about as many pixels. */
export function chosen(name, width, height) {
  if (name === "Free") return ["", width, height];
  if (!name.includes(":")) return [`${width}:${height}`, width, height];
  const [across, down] = name.split(":").map(Number);
  const unit = Math.sqrt((width * height) / (across * down));
  return [name, rounded(across * unit), rounded(down * unit)];
}

/** The other side when one was changed; as it was where no ratio is kept. place: of the changed one, 0 = width. */
export function following(held, side, other, place) {
  const [across, down] = held.split(":").map(Number);
  if (!held || !across || !down || !side) return other;
  return rounded(place === 0 ? (side * down) / across : (side * across) / down);
}

function onPaste(event) {
  const field = event.target.closest?.("[id$=_width], [id$=_height]");
  const tab = field && /^(txt2img|img2img)_(width|height)$/.exec(field.id)?.[1];
  const size = tab && sizeIn(event.clipboardData?.getData("text") ?? "");
  if (!size) return;
  event.preventDefault();
  SIDES.forEach((side, place) => {
    const input = document.querySelector(`#${tab}_${side} input[type=number]`);
    input.value = size[place];
    input.dispatchEvent(new Event("input", { bubbles: true }));
  });
}

document.addEventListener("paste", onPaste);
