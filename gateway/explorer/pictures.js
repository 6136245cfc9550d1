// The picture of a post: its thumbnail where that may be loaded, else a landscape drawn from its id and category.

import { make } from "./elements.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 160, HEIGHT = 128;
let drawn = 0;

/** The link, if a browser may follow it: only http and https, whatever a post says. */
export function webLink(text) {
  try {
    const link = new URL(text ?? "");
    return /^https?:$/.test(link.protocol) ? link.href : "";
  } catch {
    return "";
  }
}

export function picture(post, { media }) {
  const place = make("span", { className: "drawing" }, landscape(post));
  const link = media && webLink(post.thumbnail_url);
  if (link) {
    const image = make("img", { alt: "", loading: "lazy", decoding: "async", referrerPolicy: "no-referrer" });
    image.onload = () => place.classList.add("has-image");
    image.onerror = () => image.remove();
    image.src = link;
    place.append(image);
  }
  return place;
}

/** Sky, a sun and three hills: the same post always has the same ones, and a category its own colours. */
function landscape(post) {
  const next = numbersOf(`${post.post_id}`);
  const hue = (post.category_id * 137 + 12 + next() * 36) % 360;
  const drawing = element("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "xMidYMid slice", "aria-hidden": "true" });
  const name = `sky-${++drawn}`;
  const sky = element("linearGradient", { id: name, x1: 0, y1: 0, x2: 0.3, y2: 1 });
  const isNight = next() < 0.3;
  const [top, bottom] = isNight ? [22, 48] : [62, 84];
  sky.append(element("stop", { offset: 0, "stop-color": `hsl(${hue} 58% ${top}%)` }),
    element("stop", { offset: 1, "stop-color": `hsl(${(hue + 48) % 360} 78% ${bottom}%)` }));
  drawing.append(sky, element("rect", { width: WIDTH, height: HEIGHT, fill: `url(#${name})` }));
  if (isNight) {
    for (let star = 0; star < 14; star++) {
      drawing.append(element("circle", { cx: next() * WIDTH, cy: next() * 70, r: 0.4 + next() * 0.8, fill: "#fff", opacity: 0.7 }));
    }
  }
  const x = 25 + next() * 110, y = 22 + next() * 40, radius = 9 + next() * 12;
  drawing.append(element("circle", { cx: x, cy: y, r: radius * 1.7, fill: "#fff", opacity: 0.14 }),
    element("circle", { cx: x, cy: y, r: radius, fill: isNight ? "#fdf6e3" : "#fffaf0", opacity: 0.88 }));
  for (let layer = 0; layer < 3; layer++) {
    const lightness = (isNight ? 34 : 56) - 13 * layer;
    drawing.append(element("path", { d: hill(next, 66 + layer * 20), fill: `hsl(${(hue + 14 * layer) % 360} ${54 + 5 * layer}% ${lightness}%)` }));
  }
  return drawing;
}

function hill(next, height) {
  let path = `M-10 ${HEIGHT + 10} L-10 ${height}`;
  const steps = 3, width = (WIDTH + 20) / steps;
  let last = height;
  for (let step = 0; step < steps; step++) {
    const from = -10 + step * width, level = height + (next() - 0.5) * 30;
    path += ` C${from + width / 2} ${last} ${from + width / 2} ${level} ${from + width} ${level}`;
    last = level;
  }
  return `${path} L${WIDTH + 10} ${HEIGHT + 10} Z`;
}

function numbersOf(text) {
  let state = 2166136261;
  for (const letter of text) state = Math.imul(state ^ letter.charCodeAt(0), 16777619) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

function element(name, attributes) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, typeof value === "number" ? Number(value.toFixed(2)) : value);
  return node;
}
