/** A picture or text file that is dropped on a prompt is handed to the server, which fills the form from it. */

const boxOf = (event) => event.target.closest?.("[id$=_prompt_container] .prompt");

/** Whether what is dragged is a file, or a picture of this very page; text goes into the box as always. */
export function isWanted(transfer, origin) {
  if ([...transfer.types].includes("Files")) return true;
  // While it is dragged only the kinds are told.
  const url = transfer.getData("text/uri-list");
  return [...transfer.types].includes("text/uri-list") && (!url || url.startsWith(`${origin}/`));
}

async function fileOf(transfer) {
  if (transfer.files.length) return transfer.files[0];
  const url = transfer.getData("text/uri-list");
  const answer = await fetch(url);
  return new File([await answer.blob()], decodeURIComponent(url.split(/[?#]/)[0].split("/").at(-1)));
}

function onDrag(event) {
  const box = boxOf(event);
  if (!box || !isWanted(event.dataTransfer, location.origin)) return;
  event.preventDefault();
  box.classList.toggle("dropping", event.type === "dragover");
  if (event.type === "drop") hand(box, event.dataTransfer);
}

async function hand(box, transfer) {
  const tab = box.closest("[id$=_prompt_container]").id.replace("_prompt_container", "");
  const input = document.querySelector(`#${tab}_prompt_image input[type=file]`);
  const held = new DataTransfer();
  held.items.add(await fileOf(transfer));
  input.files = held.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

document.addEventListener("dragover", onDrag);
document.addEventListener("drop", onDrag);
document.addEventListener("dragleave", (event) => boxOf(event)?.classList.remove("dropping"));
