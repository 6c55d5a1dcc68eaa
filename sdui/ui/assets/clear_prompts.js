/** The button that clears the prompts; Ctrl+Z brings them back, first the prompt, then the negative one. */
import { replaceText } from "./editing.js";

document.addEventListener("click", (event) => {
  const tab = event.target.closest?.("[id$=_clear_prompt]")?.id.replace("_clear_prompt", "");
  if (!tab) return;
  for (const name of ["neg_prompt", "prompt"]) replaceText(document.querySelector(`#${tab}_${name} textarea`), "");
});
