/** "resize: from 512x512 to 1024x1024", said by the page itself while the scale is chosen. */

/** The sides that are drawn: shares of a picture's own, rounded down to multiples of 8, at least 8. */
export const sides = (size, scale) => size.map((side) => Math.max(8, Math.floor(Math.floor(side * scale) / 8) * 8));

/** What is said of a picture's size and a scale; of none, that there is none. */
export function words(size, scale) {
  if (!size) return "no image selected";
  const [from, to] = [size, sides(size, scale)].map(([width, height]) => `<b>${width}x${height}</b>`);
  return `resize: from ${from} to ${to}`;
}

/** Width and height, upright, of the picture at an address; null for none and for what is no picture. */
export async function sizeOf(url) {
  if (!url) return null;
  const image = new Image();
  image.src = url;
  return image.decode().then(
    () => [image.naturalWidth, image.naturalHeight],
    () => null,
  );
}

const MODES = ["img2img", "sketch", "inpaint", "inpaint_sketch", "inpaint_upload"];

/** Of the picture in the inner tab that is open; `files` are those of all, in the order of MODES. */
export async function preview(scale, mode, ...files) {
  if (mode === "batch") return `resize: each picture by <b>${Number(scale)}</b>`;
  return words(await sizeOf(files[MODES.indexOf(mode)]?.url), Number(scale));
}
