/** The preferences that scripts go by, asked for when one is first needed and again after a visit to another tab. */

let asked = null;
let latest = null;

/** All of them, by name; {} while the server cannot be reached. */
export function preferences() {
  asked ??= fetch("page/preferences")
    .then((answer) => (answer.ok ? answer.json() : Promise.reject(answer)))
    .then((given) => (latest = given))
    .catch(() => {
      asked = null;
      return latest ?? {};
    });
  return asked;
}

/** Those that were last heard of; null before. */
export const known = () => latest;

document.addEventListener(
  "click",
  (event) => {
    if (event.target.closest?.("[id^=tab_][id$=-button]")) asked = null;
  },
  true,
);
