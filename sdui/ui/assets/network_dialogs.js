/** The two dialogs of a card: what its file says of itself, and what the user notes of it. */

import { promptBox, toggleIn } from "./prompt_tags.js";

const ROUTE = "page/networks";
const MOST_TAGS = 80;

/** The element <name ...properties>children</name>; properties with "-" are attributes. */
export function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes("-") || key === "role") element.setAttribute(key, value);
    else element[key] = value;
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** What a refusal says, also one that names the fields. */
export function refusal(answer) {
  const { detail } = answer ?? {};
  if (Array.isArray(detail)) return detail.map(({ loc, msg }) => `${loc.at(-1)}: ${msg}.`).join(" ");
  return detail ?? "The server did not say why.";
}

/** The JSON that the server answers. Throws an Error with its words when it refuses. */
export async function ask(path, { body, ...how } = {}) {
  if (body) Object.assign(how, { method: "POST", headers: { "Content-Type": "application/json" } });
  const answer = await fetch(ROUTE + path, { ...how, body: body && JSON.stringify(body) });
  const given = await answer.json().catch(() => null);
  if (!answer.ok) throw new Error(refusal(given));
  return given;
}

export const fileOf = (kind, title) => ask(`/file?${new URLSearchParams({ kind, title })}`);

/** A value of the metadata for people: JSON inside of it with line breaks. */
export function readable(value) {
  if (!/^\s*[[{]/.test(value)) return value;
  try {
    return JSON.stringify(JSON.parse(value), null, 2);
  } catch {
    return value;
  }
}

/** Opens over the page and goes when it is closed. @returns {HTMLDialogElement} */
function open(title, id, ...content) {
  const close = make("button", { type: "button", className: "dialog-close", "aria-label": "Close" }, "×");
  const heading = make("h2", { id: `${id}_title`, "data-foreign": "" }, title);
  const dialog = make("dialog", { id, className: "network-dialog", "aria-labelledby": heading.id });
  dialog.append(make("header", {}, heading, close), ...content);
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  // Escape closes the dialog; the page would interrupt the job.
  dialog.addEventListener("keydown", (event) => event.stopPropagation());
  document.querySelector(".gradio-container").append(dialog);
  dialog.showModal();
  return dialog;
}

/** Where it is, what it was trained on, and all else that was written into the file. */
export async function showMetadata({ kind, title, name, tab }) {
  const file = await fileOf(kind, title);
  const chips = Object.entries(file.tags)
    .slice(0, MOST_TAGS)
    .map(([tag, count]) => {
      const chip = make("button", { type: "button", title: `${count} of the training pictures` });
      chip.append(make("span", { "data-foreign": "" }, tag), make("i", {}, String(count)));
      chip.addEventListener("click", () => toggleIn(promptBox(tab), tag, { separator: ", " }));
      return chip;
    });
  const rows = Object.entries(file.metadata)
    .filter(([key]) => key !== "ss_tag_frequency")
    .map(([key, value]) =>
      make("tr", { "data-foreign": "" }, make("th", { scope: "row" }, key), make("td", {}, make("pre", {}, readable(value)))),
    );
  open(
    name,
    "network_metadata",
    make("p", { className: "dialog-path" }, file.path),
    chips.length ? make("div", { className: "dialog-tags", role: "group", "aria-label": "Training tags" }, ...chips) : null,
    rows.length ? make("table", {}, make("tbody", {}, ...rows)) : make("p", {}, "This file says nothing of itself."),
  );
}

/** A field of the editor: [label, element]. */
const FIELDS = {
  description: () => ["Description", make("textarea", { rows: 3 })],
  notes: () => ["Notes", make("textarea", { rows: 4 })],
  "sd version": () => ["Stable Diffusion version", options(["Unknown", "SD1", "SD2", "SDXL"])],
  "activation text": () => ["Activation text", make("textarea", { rows: 2 })],
  "negative text": () => ["Negative prompt", make("textarea", { rows: 2 })],
  "preferred weight": () => ["Preferred weight", make("input", { type: "number", min: 0, max: 2, step: 0.01 })],
  vae: ({ vaes }) => ["Preferred VAE", options(vaes)],
};

const options = (values) => make("select", {}, ...values.map((value) => make("option", { value }, value)));

/** The field of one note, showing its value. */
function fieldOf(name, file, prefix) {
  const [label, input] = FIELDS[name](file);
  const value = file.notes[name] || (name === "vae" ? "Automatic" : file.notes[name]);
  const missing = input instanceof HTMLSelectElement && ![...input.options].some((one) => one.value === value);
  if (missing) input.append(make("option", { value }, value));
  Object.assign(input, { id: `${prefix}_${name.replaceAll(" ", "_")}`, name, value });
  if (name === "vae") input.id = "checpoint_edit_user_metadata_preferred_vae";
  return make("label", {}, make("span", {}, label), input);
}

/** Of a form, as the server takes them: what differs from what the file says. */
export function changesIn(form, before) {
  const changes = {};
  for (const { name, value, type } of form.querySelectorAll("[name]")) {
    const now = type === "number" ? Number(value) : value;
    if (now !== before[name] && !(name === "vae" && now === "Automatic" && !before.vae)) changes[name] = now;
  }
  return changes;
}

/**
 * The editor of notes and picture.
 * @param {() => void} changed is called after something was written
 */
export async function editNotes({ kind, title, name, tab, prefix }, changed) {
  const file = await fileOf(kind, title);
  const id = `${prefix}_edit_user_metadata`;
  const said = make("p", { className: "dialog-said", role: "alert" });
  const upload = make("input", { type: "file", accept: "image/*", hidden: true });
  const button = (text, style = "") => make("button", { type: "button", className: style }, text);
  const [replace, choose, cancel] = [button("Replace preview"), button("Upload a preview"), button("Cancel")];
  const save = make("button", { type: "submit", className: "primary" }, "Save");
  const form = make(
    "form",
    { noValidate: false },
    ...Object.keys(file.notes).map((note) => fieldOf(note, file, id)),
    said,
    make("footer", {}, replace, choose, upload, make("i"), cancel, save),
  );
  const dialog = open(name, id, make("p", { className: "dialog-path" }, file.path), form);
  const trying = async (work) => {
    said.textContent = "";
    try {
      await work();
      changed();
    } catch (error) {
      said.textContent = error.message;
    }
  };
  const write = async (blob) => {
    await ask("/picture", { body: { kind, title, picture: await inBase64(blob) } });
    said.textContent = "The preview was replaced.";
  };
  replace.title = "By the picture that is selected in the gallery";
  replace.addEventListener("click", () => trying(async () => write(await chosenPicture(tab))));
  choose.addEventListener("click", () => upload.click());
  upload.addEventListener("change", () => upload.files[0] && trying(() => write(upload.files[0])));
  cancel.addEventListener("click", () => dialog.close());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const notes = changesIn(form, file.notes);
    trying(async () => {
      if (Object.keys(notes).length) await ask("/notes", { body: { kind, title, notes } });
      dialog.close();
    });
  });
}

/** The picture that the tab's gallery shows large. */
async function chosenPicture(tab) {
  const image = document.querySelector(`#${tab}_gallery .media-button img`);
  if (!image) throw new Error("Select a picture in the gallery first.");
  return (await fetch(image.src)).blob();
}

function inBase64(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(reader.result.split(",")[1] ?? ""));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(blob);
  });
}
