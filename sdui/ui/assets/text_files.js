/** Text files that are dropped or chosen where PNG Info takes a picture: Gradio's own component refuses them. */

const LONGEST = 2 ** 20;

/** The text file among these; null when a picture is to be taken. */
export function textFile(files) {
  return [...(files ?? [])].find((file) => file.name.toLowerCase().endsWith(".txt")) ?? null;
}

const areaOf = (event) => event.target.closest?.("#pnginfo_image");

async function take(event, area, files) {
  const file = textFile(files);
  if (!area || !file) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  area.dataset.text = await file.slice(0, LONGEST).text();
  document.getElementById("pnginfo_read_text").click();
}

/** The dialog that a click opens offers them too. */
function offer(event) {
  const input = areaOf(event)?.querySelector("input[type=file]");
  if (input && !input.accept.includes(".txt")) input.accept += ",.txt";
}

function start() {
  document.addEventListener("drop", (event) => take(event, areaOf(event), event.dataTransfer?.files), true);
  document.addEventListener("change", (event) => take(event, areaOf(event), event.target.files), true);
  document.addEventListener("click", offer, true);
}

start();
