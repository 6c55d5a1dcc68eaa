/** Has a form kept in the browser when someone has stopped to change things in it, and when the page goes away. */

const PAUSE = 800;
/** The server's answer to a click may change the form later than the click itself. */
const LATER = 3000;

const timers = {};

function keep(tab) {
  document.getElementById(`${tab}_keep`)?.click();
}

function onChange(event) {
  const tab = event.target.closest?.("#tab_txt2img, #tab_img2img")?.id.replace("tab_", "");
  if (!tab || event.target.id === `${tab}_keep`) return;
  for (const pause of [PAUSE, LATER]) {
    const key = `${tab} ${pause}`;
    clearTimeout(timers[key]);
    timers[key] = setTimeout(keep, pause, tab);
  }
}

for (const kind of ["input", "change", "click"]) document.addEventListener(kind, onChange, true);
