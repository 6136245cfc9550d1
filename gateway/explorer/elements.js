// How elements are made: from names and values, never from markup, so that no text of a post can become part of the page.

export const $ = (selector, within = document) => within.querySelector(selector);

/** An element with properties (`aria-…`, `data-…` and `role` become attributes) and children; empty children are left out. */
export function make(tag, properties = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (/^(aria|data)-|^(role|for|dir)$/.test(name)) node.setAttribute(name, value);
    else node[name] = value;
  }
  node.append(...children.filter((child) => child !== "" && child !== null && child !== undefined && child !== false));
  return node;
}

/** A drawing of the page's own set of icons; what it means is said by the text beside it. */
export function icon(name) {
  const drawing = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  drawing.setAttribute("class", "icon");
  drawing.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#icon-${name}`);
  drawing.append(use);
  return drawing;
}

export const copyOf = (template) => $(`#${template}`).content.firstElementChild.cloneNode(true);
