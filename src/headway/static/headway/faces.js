// The faces that the server has put into the page: `<template data-face>`, with empty places for the figures.

import { signs } from "./values.js";

/** The faces of this page, in the order in which they are tried. */
export class Faces {
  #templates = new Map();
  #when = new Map();

  constructor(root = document) {
    for (const template of root.querySelectorAll("template[data-face]")) {
      const { face, when, byBrowser } = template.dataset;
      this.#templates.set(face, template);
      if (byBrowser === undefined) this.#when.set(face, Object.entries(JSON.parse(when)));
    }
  }

  /** Whether the page has any; without them, a panel stays as the server made it. */
  get some() {
    return this.#templates.size > 0;
  }

  /** The name of the face that this snapshot shows. */
  nameFor(run) {
    const shown = signs(run);
    for (const [name, when] of this.#when) {
      if (when.every(([sign, accepted]) => accepted.includes(shown[sign]))) return name;
    }
    return null;
  }

  /** Its icon, tone, bar and whether it needs a person. */
  look(name) {
    return this.#templates.get(name).dataset;
  }

  /** A copy of one of its parts, to be filled. */
  part(name, part) {
    const there = this.#templates.get(name).content.querySelector(`[data-part="${part}"]`);
    return there?.cloneNode(true) ?? document.createElement("div");
  }
}

/** Put the figures into their places; show and hide what depends on them. */
export function fill(root, values, { run, momentOf, hrefs = {} }) {
  for (const place of root.querySelectorAll("[data-value]")) {
    const name = place.dataset.value;
    setText(place, values[name] ?? "");
    if (place.localName === "time") place.dateTime = momentOf(run, name) ?? "";
  }
  for (const place of root.querySelectorAll("[data-if]")) place.hidden = !values[place.dataset.if];
  for (const place of root.querySelectorAll("[data-unless]")) place.hidden = Boolean(values[place.dataset.unless]);
  for (const place of root.querySelectorAll("[data-href]")) {
    const href = hrefs[place.dataset.href];
    if (href) place.setAttribute("href", href);
    place.hidden = !href || ("if" in place.dataset && !values[place.dataset.if]);
  }
}

/** Write only what differs, so that a selection or a screen reader is not disturbed by what stays. */
export function setText(place, text) {
  if (place.textContent !== text) place.textContent = text;
}

/** Likewise for an attribute; null takes it away. */
export function setAttribute(place, name, value) {
  if (value === null) place.removeAttribute(name);
  else if (place.getAttribute(name) !== String(value)) place.setAttribute(name, value);
}
