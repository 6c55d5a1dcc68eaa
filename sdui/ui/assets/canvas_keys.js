/** Keys and wheel over a canvas that is painted on, as A1111 has them; the rest is in the editor's own toolbar. */

/** What a key over a canvas does; null when it does nothing there. */
export function actionFor(event) {
  const control = event.ctrlKey || event.metaKey;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (control && key === "z") return event.shiftKey ? "redo" : "undo";
  if (control && key === "y") return "redo";
  if (control || event.altKey) return null;
  const plain = { "[": "smaller", q: "smaller", "]": "larger", w: "larger", f: "move", r: "fit", s: "fullscreen" };
  return plain[key] ?? null;
}

/** A brush one step smaller or larger, by a tenth and at least by 1, within a slider's range. */
export function resized(size, larger, low, high) {
  const step = Math.max(1, Math.round(size / 10));
  return Math.min(high, Math.max(low, size + (larger ? step : -step)));
}

const BUTTONS = { undo: "Undo", redo: "Redo", move: "Pan" };
const SIZE = "button[aria-label$=' Size']";
/** Milliseconds for which the slider of the brush stays open after the last step. */
const OPEN = 900;

const canvasUnder = (element) => element?.closest?.(".canvas:has(canvas)") ?? null;
const isTyping = (element) =>
  element?.isContentEditable || element?.matches?.("textarea, select, input:not([type=range], [type=checkbox])");

let hovered = null;
const closing = new WeakMap();

/** The slider is only there while it is open, which the brush shows as well. */
async function resizeBrush(canvas, larger) {
  const button = canvas.querySelector(SIZE);
  if (!button) return;
  const find = () => canvas.querySelector(".size_picker input[type=range]");
  if (!find()) button.click();
  for (let tries = 0; tries < 20 && !find(); tries += 1) await new Promise(requestAnimationFrame);
  const slider = find();
  if (!slider) return;
  slider.value = resized(Number(slider.value), larger, Number(slider.min), Number(slider.max));
  slider.dispatchEvent(new Event("input", { bubbles: true }));
  clearTimeout(closing.get(canvas));
  closing.set(
    canvas,
    setTimeout(() => find() && canvas.querySelector(SIZE)?.click(), OPEN),
  );
}

function act(canvas, action) {
  if (action === "smaller" || action === "larger") resizeBrush(canvas, action === "larger");
  else if (action === "fullscreen") document.fullscreenElement ? document.exitFullscreen() : canvas.requestFullscreen();
  else if (action === "fit") {
    canvas.querySelector(".zoom-number [role=button]")?.click();
    requestAnimationFrame(() => canvas.querySelector(".zoom-controls button")?.click());
  } else canvas.querySelector(`button[aria-label='${BUTTONS[action]}']`)?.click();
}

function onKey(event) {
  const canvas = canvasUnder(event.target) ?? hovered;
  const action = canvas?.isConnected && !isTyping(event.target) ? actionFor(event) : null;
  if (!action) return;
  event.preventDefault();
  act(canvas, action);
}

/** Ctrl and the wheel size the brush; Alt and the wheel zoom and the plain wheel moves, by the editor itself. */
function onWheel(event) {
  const canvas = event.ctrlKey ? canvasUnder(event.target) : null;
  if (!canvas) return;
  event.preventDefault();
  event.stopPropagation();
  resizeBrush(canvas, event.deltaY < 0);
}

function start() {
  document.addEventListener("mouseover", (event) => (hovered = canvasUnder(event.target)), { passive: true });
  document.addEventListener("keydown", onKey);
  document.addEventListener("wheel", onWheel, { passive: false, capture: true });
}

start();
