/** The editor of styles as a dialog: what it is called, where the keys go, and that Esc closes it and stops no job. */

const opened = () => [...document.querySelectorAll(".styles-dialog")].find((box) => box.getClientRects().length);

function onKey(event) {
  const dialog = event.key === "Escape" && opened();
  // A list that is open in it is closed first.
  if (!dialog || event.defaultPrevented || event.target.ariaExpanded === "true") return;
  event.preventDefault();
  dialog.querySelector("[id$=_edit_style_close]").click();
}

function onClick(event) {
  const button = event.target.closest?.("[id$=_styles_edit_button], [id$=_edit_style_close]");
  if (!button) return;
  const tab = button.id.split("_")[0];
  const known = document.getElementById(`${tab}_styles_dialog`);
  if (button.id.endsWith("_close")) {
    // At once, and also where Gradio has not yet heard of the button.
    known?.setAttribute("hidden", "");
    document.getElementById(`${tab}_styles_edit_button`).focus();
    return;
  }
  const observer = new MutationObserver(() => {
    const dialog = opened();
    if (!dialog?.querySelector("input")) return;
    observer.disconnect();
    dialog.role = "dialog";
    dialog.ariaLabel = "Edit styles";
    dialog.tabIndex = -1;
    dialog.focus();
  });
  observer.observe(document.body, { childList: true, subtree: true, attributes: true });
  known?.removeAttribute("hidden");
}

document.addEventListener("keydown", onKey, true);
document.addEventListener("click", onClick);
