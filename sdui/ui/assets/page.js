/** Keys, tooltips and the window title: the few things that a page of Gradio does not do by itself. */

import "./canvas_keys.js";
import "./clear_prompts.js";
import "./compare.js";
import "./completion.js";
import "./drafts.js";
import "./generate_menu.js";
import "./history.js";
import "./localization.js";
import "./networks.js";
import "./prompt_drop.js";
import "./prompt_keys.js";
import "./queue_panel.js";
import "./restart.js";
import "./settings.js";
import "./sizes.js";
import "./styles_dialog.js";
import "./text_files.js";
import "./theme.js";
import "./token_counter.js";
import "./viewer.js";
import { mend } from "./accessible.js";
import { look as lookForEnd } from "./notify.js";
import { known, preferences } from "./preferences.js";

const visible = (id) => {
  const element = document.getElementById(id);
  return element && element.offsetParent !== null ? element : null;
};

/** What the tab that is open calls by this name; null when there is none. */
const inOpenTab = (name) => visible(`txt2img_${name}`) ?? visible(`img2img_${name}`) ?? visible(`extras_${name}`);

/** The button that a key stands for; null when there is none. */
export function buttonFor(event) {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    return inOpenTab(event.shiftKey ? "enqueue" : "generate");
  }
  if (event.key === "Enter" && event.altKey) return inOpenTab("skip");
  if (event.key === "Escape" && event.target?.ariaExpanded !== "true") {
    return inOpenTab("interrupt") ?? inOpenTab("interrupting");
  }
  return null;
}

function onKey(event) {
  const button = event.defaultPrevented ? null : buttonFor(event);
  if (!button) return;
  event.preventDefault();
  button.click();
}

/** Where in the picture itself, in its pixels, a click on its element lands; null beside it. */
export function pixelAt(image, x, y) {
  const box = image.getBoundingClientRect();
  const scale = Math.min(box.width / image.naturalWidth, box.height / image.naturalHeight);
  const across = (x - box.left - (box.width - image.naturalWidth * scale) / 2) / scale;
  const down = (y - box.top - (box.height - image.naturalHeight * scale) / 2) / scale;
  const inside = across >= 0 && down >= 0 && across < image.naturalWidth && down < image.naturalHeight;
  return inside ? [Math.floor(across), Math.floor(down)] : null;
}

/** A grid's cell tells of itself when it is clicked; of other pictures Gradio shows the next. */
function onPoint(event) {
  const gallery = event.target.closest?.("[id$=_gallery]");
  const tab = gallery?.id.replace("_gallery", "");
  const image = event.target.closest?.(".media-button")?.querySelector("img");
  if (!image || !document.querySelector(`#html_info_${tab} [data-grid]`)) return;
  event.stopPropagation();
  gallery.dataset.pointed = pixelAt(image, event.clientX, event.clientY)?.join(",") ?? "";
  document.getElementById(`${tab}_point`).click();
}

/** Gradio's slider forces its number into the slider's range when it loses focus; larger numbers are valid here. */
function keepNumber(event) {
  if (event.target instanceof HTMLInputElement && event.target.dataset.testid === "number-input") {
    event.stopImmediatePropagation();
  }
}

/** "[43%] sdui" while a job runs, so that a tab in the background shows how far it is. */
export function titleFor(shown, bar) {
  const name = shown.replace(/^\[\d+%\] /, "");
  return bar && name ? `[${bar.getAttribute("aria-valuenow")}%] ${name}` : name;
}

function refresh() {
  lookForEnd();
  mend();
  const wanted = known()?.show_progress_in_title ?? true;
  const title = titleFor(document.title, wanted && document.querySelector(".progress-box .progress"));
  if (document.title !== title) document.title = title;
  for (const button of document.querySelectorAll("button.tool:not([title])")) button.title = button.textContent.trim();
}

function start() {
  let due = false;
  const observer = new MutationObserver(() => {
    if (due) return;
    due = true;
    setTimeout(() => {
      due = false;
      refresh();
    }, 50);
  });
  preferences();
  observer.observe(document.body, { childList: true, subtree: true, attributeFilter: ["aria-valuenow"] });
  document.addEventListener("keydown", onKey);
  document.addEventListener("click", onPoint, true);
  document.addEventListener("blur", keepNumber, true);
}

start();
