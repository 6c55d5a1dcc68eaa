/** A page that outlives its server offers what the next one has, without losing what stands on it. */

let known = null;

/** Asked when somebody comes back to the page: the server is started again from another window. */
async function look() {
  try {
    const { start } = await (await fetch("page/start")).json();
    if (known !== null && known !== start) document.getElementById("page_catch_up").click();
    known = start;
  } catch {
    // The server is away: looked for at the next visit.
  }
}

window.addEventListener("focus", look);
document.addEventListener("visibilitychange", () => document.hidden || look());
look();
