/* Two pictures over each other (comparing.py): opens the dialog that the server sent and moves the border. */

/** The part of the upper picture that is cut off at its right for a slider's value of 0 to 100. */
export const cut = (value) => `inset(0 ${100 - Number(value)}% 0 0)`;

function open(dialog) {
  dialog.dataset.open = "";
  const slider = dialog.querySelector("input");
  const move = () => {
    dialog.querySelector(".over").style.clipPath = cut(slider.value);
    dialog.querySelector(".sides").style.setProperty("--at", `${slider.value}%`);
  };
  slider.addEventListener("input", move);
  // The page's own keys, such as Esc for Interrupt, mean nothing in here.
  dialog.addEventListener("keydown", (event) => event.stopPropagation());
  move();
  dialog.showModal();
  slider.focus();
}

function start() {
  const observer = new MutationObserver(() => {
    document.querySelectorAll("dialog.comparison:not([data-open])").forEach(open);
  });
  observer.observe(document.body, { childList: true, subtree: true });
}

start();
