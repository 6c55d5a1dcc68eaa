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
/** By canvas: steps that are still to be taken, and what closes the slider again. */
const steps = new WeakMap();
const closing = new WeakMap();

const sliderOf = (canvas) => canvas.querySelector(".size_picker input[type=range]");
const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

function closeLater(canvas, after) {
  clearTimeout(closing.get(canvas));
  const close = () => {
    if (!sliderOf(canvas)) return;
    canvas.querySelector(SIZE)?.click();
    closeLater(canvas, OPEN / 2);
  };
  closing.set(canvas, setTimeout(close, after));
}

/** The slider is only there while it is open, which shows the brush as well. Steps that come meanwhile are taken along. */
async function resizeBrush(canvas, larger) {
  const waiting = steps.get(canvas) ?? [];
  waiting.push(larger);
  if (waiting.length > 1) return;
  steps.set(canvas, waiting);
  if (!sliderOf(canvas)) canvas.querySelector(SIZE)?.click();
  for (let tries = 0; tries < 50 && !sliderOf(canvas); tries += 1) await pause(20);
  steps.delete(canvas);
  const slider = sliderOf(canvas);
  if (!slider) return;
  const step = (size, more) => resized(size, more, Number(slider.min), Number(slider.max));
  slider.value = waiting.reduce(step, Number(slider.value));
  slider.dispatchEvent(new Event("input", { bubbles: true }));
  closeLater(canvas, OPEN);
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
