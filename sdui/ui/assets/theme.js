/** Light or dark: as the system has it until someone presses the button; the choice stays in this browser. */

const KEY = "sdui_theme";

/** What the button leads to from here. */
export const other = (dark) => (dark ? "light" : "dark");

const isDark = () => document.body.classList.contains("dark");

function apply(theme) {
  if (!theme) return;
  document.body.classList.toggle("dark", theme === "dark");
}

function onClick(event) {
  if (!event.target.closest?.("#theme_toggle")) return;
  const theme = other(isDark());
  localStorage.setItem(KEY, theme);
  apply(theme);
}

document.addEventListener("click", onClick);
apply(localStorage.getItem(KEY));
// Gradio sets the system's theme when it has started.
new MutationObserver(() => {
  const theme = localStorage.getItem(KEY);
  if (theme && isDark() !== (theme === "dark")) apply(theme);
}).observe(document.body, { attributeFilter: ["class"] });
