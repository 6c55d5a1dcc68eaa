/** The counters of tokens beside the prompts, and quiet remarks under them; the server counts while nobody waits. */
import { preferences } from "./preferences.js";

const PERIOD = 300;
/** Milliseconds between two looks, and how long a text must have stayed as it is before it is counted. */
const BOXES = { prompt: ["prompt", "token_counter"], negative_prompt: ["neg_prompt", "negative_token_counter"] };

const field = (id, kind) => document.querySelector(`#${id} ${kind}`);

/** What is to be counted on a tab; null while the tab is not open. */
function typedOn(tab) {
  const [prompt, negative] = ["prompt", "neg_prompt"].map((name) => field(`${tab}_${name}`, "textarea"));
  if (!prompt?.offsetParent || !negative) return null;
  const steps = Math.round(Number(field(`${tab}_steps`, "input[type=number]")?.value));
  return {
    prompt: prompt.value,
    negative_prompt: negative.value,
    steps: Math.min(Math.max(steps || 20, 1), 1000),
    styles: JSON.parse(document.getElementById(`${tab}_styles`)?.dataset.chosen ?? "[]"),
  };
}

/** Whether nothing needs to be asked. */
export const isEmpty = (typed) => !typed.prompt.trim() && !typed.negative_prompt.trim() && !typed.styles.length;

function show(tab, counts) {
  for (const [name, [, counter]] of Object.entries(BOXES)) {
    const { used, room, remarks } = counts[name];
    const shown = document.querySelector(`#${tab}_${counter} span[role]`);
    const list = document.querySelector(`#${tab}_${counter}_remarks ul`);
    if (!shown || !list) continue;
    shown.textContent = `${used}/${room}`;
    list.replaceChildren(
      ...remarks.map((words) => Object.assign(document.createElement("li"), { textContent: words })),
    );
  }
}

const NOTHING = { used: 0, room: 75, remarks: [] };

async function count(typed) {
  if ((await preferences()).disable_token_counters) return null;
  if (isEmpty(typed)) return { prompt: NOTHING, negative_prompt: NOTHING };
  const answer = await fetch("page/tokens", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(typed),
  });
  if (!answer.ok) throw new Error(`The tokens were not counted: ${answer.status}`);
  return answer.json();
}

function watch(tab) {
  let before = "";
  let counted = "";
  let waiting = false;
  setInterval(async () => {
    const typed = typedOn(tab);
    const now = JSON.stringify(typed);
    const rests = now === before;
    before = now;
    if (!typed || !rests || waiting || now === counted) return;
    waiting = true;
    try {
      const counts = await count(typed);
      document.documentElement.classList.toggle("without-counters", counts === null);
      if (counts) show(tab, counts);
    } catch {
      // The server is away: the next text is counted.
    }
    counted = now;
    waiting = false;
  }, PERIOD);
}

for (const tab of ["txt2img", "img2img"]) watch(tab);
