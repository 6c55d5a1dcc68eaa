/** Tells that a job has ended: a sound, and the system's notification while the page is not looked at. */

import { preferences } from "./preferences.js";

const TONE = [880, 1318];
const SECONDS = 0.18;

/** Whether a page that showed a job's progress has just stopped to. */
export const ended = (before, now) => before && !now;

async function beep(volume) {
  const context = new AudioContext();
  TONE.forEach((frequency, place) => {
    const [tone, gain] = [context.createOscillator(), context.createGain()];
    const begin = context.currentTime + place * SECONDS;
    tone.frequency.value = frequency;
    gain.gain.setValueAtTime(0.2 * volume, begin);
    gain.gain.exponentialRampToValueAtTime(0.001, begin + SECONDS);
    tone.connect(gain).connect(context.destination);
    tone.start(begin);
    tone.stop(begin + SECONDS);
  });
}

async function sound(volume) {
  const own = new Audio("page/notification");
  own.volume = volume;
  await own.play().catch(() => beep(volume));
}

async function tell() {
  const wanted = await preferences();
  if (wanted.notification_audio) await sound(wanted.notification_volume / 100);
  if (!document.hidden || globalThis.Notification?.permission !== "granted") return;
  const picture = document.querySelector("[id$=_gallery] img")?.src;
  const notice = new Notification("sdui", { body: "The pictures are ready.", icon: picture });
  notice.onclick = () => window.focus();
}

let busy = false;

/** Called whenever the page has changed. */
export function look() {
  const now = Boolean(document.querySelector("[id$=_progress] .progress"));
  if (ended(busy, now)) tell();
  busy = now;
}
