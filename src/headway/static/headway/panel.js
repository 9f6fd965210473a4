// Shows a run in the panel that the server has rendered: the parts of its face, the figures, the bar.

import { fill, setAttribute, setText } from "./faces.js";
import { momentOf, values } from "./values.js";

const PARTS = ["word", "say", "line", "foot", "fourth", "aside"];
const MILESTONE = 25; // percent; a screen reader is told of every quarter, not of every item

/** The panel of one run. */
export class Panel {
  #article;
  #faces;
  #words;
  #face;
  #milestone = null;

  constructor(article, faces, words) {
    this.#article = article;
    this.#faces = faces;
    this.#words = words;
    this.#face = article.dataset.face;
  }

  /** Show the run; `override` names a face that says something about the page itself. */
  show(run, { now, override = null, extra = {}, hrefs, canSteer }) {
    const name = override ?? this.#faces.nameFor(run);
    const found = { ...values(run, now, this.#words), ...extra };
    const places = { run, momentOf, hrefs };
    if (name !== this.#face) this.#change(name);
    fill(this.#article, found, places);
    this.#allow(run, canSteer);
    this.#counts(run.progress);
    drawBar(this.#one(".hw-bar"), this.#barLook(run, name), run);
    this.#sayBar(run, name, found, places);
    this.#speak(run, name, found, places);
  }

  /** Ask whether to cancel, or stop asking. */
  set confirming(asked) {
    this.#article.toggleAttribute("data-confirming", asked);
    this.#one(".hw-run-confirm").hidden = !asked;
    if (asked) this.#one(".hw-run-confirm").focus();
  }

  /** A sentence about an action that went wrong; "" for none. */
  set problem(text) {
    const place = this.#one(".hw-run-problem");
    place.hidden = !text;
    setText(place, text);
  }

  /** Where the focus goes when what had it is gone. */
  focus() {
    this.#one(".hw-run-title").focus();
  }

  #one(selector) {
    return this.#article.querySelector(selector);
  }

  #change(name) {
    const look = this.#faces.look(name);
    this.#face = this.#article.dataset.face = name;
    this.#milestone = null;
    this.#article.toggleAttribute("data-lost", "byBrowser" in look);
    setAttribute(this.#article, "data-needs", look.needs ?? null);
    this.#article.dataset.tone = this.#one(".hw-run-head .hw-state").dataset.tone = look.tone;
    const icon = this.#one(".hw-run-head .hw-state use");
    icon.setAttribute("href", icon.getAttribute("href").replace(/#.*/, `#i-${look.icon}`));
    setAttribute(this.#one(".hw-run-say"), "role", look.tone === "bad" ? "alert" : null);
    for (const part of PARTS) this.#one(`[data-part="${part}"]`).replaceChildren(...this.#faces.part(name, part).childNodes);
    this.#changeActions(this.#faces.part(name, "actions"));
  }

  /** Buttons stay the same elements while they mean the same, so that whoever has pressed one keeps the focus. */
  #changeActions(wanted) {
    const place = this.#one('[data-part="actions"]');
    const had = place.contains(document.activeElement);
    const old = new Map([...place.children].map((child) => [child.dataset.action, child]));
    const kept = [...wanted.children].map((next) => takeOver(old.get(next.dataset.action), next));
    for (const child of [...place.children]) if (!kept.includes(child)) child.remove();
    kept.forEach((child, index) => {
      if (place.children[index] !== child) place.insertBefore(child, place.children[index] ?? null);
    });
    if (had && !place.contains(document.activeElement)) this.focus();
  }

  #allow(run, canSteer) {
    for (const form of this.#article.querySelectorAll("form[data-action]")) {
      const pressed = form.querySelector("[aria-disabled]");
      form.hidden = !canSteer || !(pressed || run.actions.includes(form.dataset.action));
    }
  }

  #counts(progress) {
    for (const name of ["succeeded", "failed", "skipped"]) {
      const place = this.#one(`[data-count="${name}"]`);
      place.classList.toggle("hw-zero", progress[name] === 0);
      place.classList.toggle("hw-some-failed", name === "failed" && progress[name] > 0);
    }
  }

  #barLook(run, name) {
    const look = this.#faces.look(name);
    return "byBrowser" in look ? this.#faces.look(this.#faces.nameFor(run)).bar : look.bar;
  }

  #sayBar(run, name, found, places) {
    const bar = this.#one(".hw-bar");
    const { total, processed } = run.progress;
    const counting = !run.done && total !== null;
    setAttribute(bar, "role", run.done ? "img" : "progressbar");
    setAttribute(bar, "aria-labelledby", run.done ? null : this.#one(".hw-run-title").id);
    setAttribute(bar, "aria-valuemin", counting ? 0 : null);
    setAttribute(bar, "aria-valuemax", counting ? total : null);
    setAttribute(bar, "aria-valuenow", counting ? processed : null);
    const [saidBy, notBy] = run.done ? ["aria-label", "aria-valuetext"] : ["aria-valuetext", "aria-label"];
    setAttribute(bar, saidBy, this.#text(name, "value", found, places));
    setAttribute(bar, notBy, null);
  }

  /** A new face is spoken of, and then every quarter. */
  #speak(run, name, found, places) {
    const milestone = `${name} ${Math.trunc((run.progress.percent ?? 0) / MILESTONE)}`;
    if (milestone === this.#milestone) return;
    this.#milestone = milestone;
    setText(this.#one('[data-part="spoken"]'), this.#text(name, "spoken", found, places));
  }

  #text(name, part, found, places) {
    const copy = this.#faces.part(name, part);
    fill(copy, found, places);
    for (const place of copy.querySelectorAll("[hidden]")) place.remove();
    return copy.textContent.replace(/\s+/g, " ").trim();
  }
}

/** Draw the bar: widths are SVG attributes. `Bar` in markup.py says the same. */
export function drawBar(bar, look, run) {
  const { percent, failed, processed } = run.progress;
  const open = percent === null && look === "work" && run.state !== "queued";
  const two = look === "both" || look === "few-bad";
  const bad = two ? Math.min(99.5, Math.max(0.5, (failed * 100) / processed)) : 0;
  const main = two ? 100 - bad - 0.3 : (percent ?? 0);
  const width = (value) => `${Math.round(value * 10) / 10}%`;
  bar.dataset.bar = look;
  bar.querySelector("svg").toggleAttribute("hidden", open);
  bar.querySelector(".hw-bar-sweep").hidden = !open;
  setAttribute(bar.querySelector(".hw-bar-main"), "width", width(main));
  for (const rect of bar.querySelectorAll(".hw-bar-bad, .hw-bar-hatch")) {
    setAttribute(rect, "x", width(100 - bad));
    setAttribute(rect, "width", width(bad));
  }
}

function takeOver(old, next) {
  if (!old) return next;
  const [was, will] = [old.querySelector("button") ?? old, next.querySelector("button") ?? next];
  was.className = will.className;
  setAttribute(was, "aria-disabled", will.getAttribute("aria-disabled"));
  was.replaceChildren(...will.childNodes);
  return old;
}
