// Shows a run in the panel that the server has rendered: the parts of its face, the figures, the bar.

import { fill, setAttribute, setText } from "./faces.js";
import { isGrowing, momentOf, stepUnderWay, values } from "./values.js";

const PARTS = ["word", "say", "line", "foot", "fourth", "aside"];
const SAME = ["running", "counting", "retrying", "step"]; // it goes from one to another many times a minute
const SPOKEN_FOR = 3_000; // ms for a screen reader to take a sentence up
const MILESTONE = 25; // percent; a screen reader is told of every quarter, not of every item

/** The panel of one run. */
export class Panel {
  #article;
  #faces;
  #words;
  #face;
  #rendered; // the face that the server has shown
  #milestone = null;
  #spokenAt = -Infinity;
  #asking = "";

  constructor(article) {
    this.#article = article;
    this.#face = this.#rendered = article.dataset.face;
  }

  /** What it is shown with from now on. */
  use(faces, words) {
    this.#faces = faces;
    this.#words = words;
  }

  /** Show the run; `override` names a face that says something about the page itself. */
  show(run, { now, override = null, extra = {}, hrefs, canSteer }) {
    this.#keepFocus(() => this.#showFace(run, { now, override, extra, hrefs, canSteer }));
  }

  #showFace(run, { now, override, extra, hrefs, canSteer }) {
    const name = override ?? this.#faces.nameFor(run);
    const found = { ...values(run, now, this.#words), ...extra };
    const places = { run, momentOf, hrefs };
    if (name !== this.#face) this.#change(name);
    fill(this.#article, found, places);
    this.#allow(run, canSteer);
    this.#markAsked();
    setText(this.#one("[data-run-number]"), run.id.slice(0, 8));
    this.#counts(run.progress);
    drawBar(this.#one(".hw-bar"), this.#barLook(run, name), run);
    this.#sayBar(run, name, found, places);
    this.#speak(run, name, found, places);
  }

  /** Ask whether to cancel, or stop asking; then the focus is at the button that has asked. */
  set confirming(asked) {
    const question = this.#one(".hw-run-confirm");
    const had = question.contains(document.activeElement);
    this.#article.toggleAttribute("data-confirming", asked);
    question.hidden = !asked;
    if (asked) question.focus();
    else if (had) this.#focusOn(this.#one("form[data-action='cancel'] button"));
  }

  /** The action that the server has been asked for and hasn't answered ("pause", …), or "". Nothing can be pressed then. */
  get asking() {
    return this.#asking;
  }

  set asking(action) {
    this.#asking = action;
    this.#markAsked();
  }

  /** Why an action was refused: its `code`, and the `hrefs` of its sentence's links; null for nothing to say. */
  set problem(problem) {
    const place = this.#one(".hw-run-problem");
    this.#keepFocus(() => {
      place.hidden = !problem;
      place.replaceChildren(...(problem ? sentence(problem) : []));
    });
  }

  /** Whether a mistake keeps the panel from showing how the run is. It says so, and nothing turns any more. */
  get broken() {
    return "broken" in this.#article.dataset;
  }

  set broken(broken) {
    this.#article.toggleAttribute("data-broken", broken);
    this.#one(".hw-run-broken").hidden = !broken;
  }

  /** What is shown is another run now, which the reader has started. */
  startedByReader() {
    const place = this.#one("[data-by-you]");
    setText(place, place.dataset.byYou);
  }

  /** Where the focus goes when what had it is gone. */
  focus() {
    this.#one(".hw-run-title").focus();
  }

  #focusOn(button) {
    if (button?.checkVisibility()) button.focus();
    else this.focus();
  }

  #keepFocus(change) {
    const had = this.#article.contains(document.activeElement) && document.activeElement;
    change();
    if (had && !(had.isConnected && had.checkVisibility())) this.focus();
  }

  /** The pressed button says what it does; the others wait. Those that a face itself forbids stay as they are. */
  #markAsked() {
    for (const button of this.#article.querySelectorAll("form button")) {
      const action = button.form.dataset.action ?? "cancel";
      if (this.#asking && !button.ariaDisabled) button.dataset.held = "";
      if ("held" in button.dataset) setAttribute(button, "aria-disabled", this.#asking ? "true" : null);
      if (!this.#asking) delete button.dataset.held;
      const pressed = action === this.#asking;
      for (const label of button.querySelectorAll("[data-label]")) label.hidden = pressed;
      for (const label of button.querySelectorAll("[data-asking]")) label.hidden = !pressed;
    }
  }

  #one(selector) {
    return this.#article.querySelector(selector);
  }

  #change(name) {
    const look = this.#faces.look(name);
    this.#article.dataset.face = name;
    this.#article.toggleAttribute("data-lost", "byBrowser" in look);
    setAttribute(this.#article, "data-needs", look.needs ?? null);
    this.#article.dataset.tone = this.#one(".hw-run-head .hw-state").dataset.tone = look.tone;
    const icon = this.#one(".hw-run-head .hw-state use");
    icon.setAttribute("href", icon.getAttribute("href").replace(/#.*/, `#i-${look.icon}`));
    setAttribute(this.#one(".hw-run-say"), "role", look.tone === "bad" ? "alert" : null);
    for (const part of PARTS) this.#one(`[data-part="${part}"]`).replaceChildren(...this.#faces.part(name, part).childNodes);
    this.#changeActions(this.#faces.part(name, "actions"));
    this.#face = name;
  }

  /** Buttons stay the same elements while they mean the same, so that whoever has pressed one keeps the focus. */
  #changeActions(wanted) {
    const place = this.#one('[data-part="actions"]');
    const old = new Map([...place.children].map((child) => [child.dataset.action, child]));
    const kept = [...wanted.children].map((next) => takeOver(old.get(next.dataset.action), next));
    for (const child of [...place.children]) if (!kept.includes(child)) child.remove();
    kept.forEach((child, index) => {
      if (place.children[index] !== child) place.insertBefore(child, place.children[index] ?? null);
    });
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
    const step = stepUnderWay(run);
    const counting = !run.done && (step ? step.percent !== null : total !== null && !isGrowing(run.progress));
    setAttribute(bar, "role", run.done ? "img" : "progressbar");
    setAttribute(bar, "aria-labelledby", run.done ? null : this.#one(".hw-run-title").id);
    setAttribute(bar, "aria-valuemin", counting ? 0 : null);
    setAttribute(bar, "aria-valuemax", counting ? (step ? 100 : total) : null);
    setAttribute(bar, "aria-valuenow", counting ? (step ? step.percent : processed) : null);
    const [saidBy, notBy] = run.done ? ["aria-label", "aria-valuetext"] : ["aria-valuetext", "aria-label"];
    setAttribute(bar, saidBy, this.#text(name, "value", found, places));
    setAttribute(bar, notBy, null);
  }

  /**
   * A step is spoken of (SAME are one), and every quarter. What the server has rendered is there already. A sentence that
   * is true no more is taken away once it has been heard, so that the page doesn't contradict its figures.
   */
  #speak(run, name, found, places) {
    const { percent, step } = run.progress;
    const milestone = `${SAME.includes(name) ? SAME[0] : name} ${Math.trunc((percent ?? 0) / MILESTONE)} ${step?.number}`;
    const place = this.#one('[data-part="spoken"]');
    const text = this.#text(name, "spoken", found, places);
    const first = this.#milestone === null && name === this.#rendered;
    if (milestone !== this.#milestone && !first) {
      this.#spokenAt = performance.now();
      setText(place, text);
    } else if (place.textContent !== text && performance.now() - this.#spokenAt > SPOKEN_FOR) setText(place, "");
    this.#milestone = milestone;
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
  const { failed, processed } = run.progress;
  const { percent } = stepUnderWay(run) ?? run.progress;
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

/** The words for a refusal, copied from `<template data-refusal>`. */
function sentence({ code, hrefs }) {
  const found = document.querySelector(`template[data-refusal~="${code}"]`) ?? document.querySelector("template[data-refusal='']");
  const copy = document.createElement("div");
  copy.append(found.content.cloneNode(true));
  fill(copy, {}, { hrefs });
  for (const link of copy.querySelectorAll("[data-href]")) delete link.dataset.href; // the panel's own has other addresses
  return [...copy.childNodes];
}

function takeOver(old, next) {
  if (!old) return next;
  const [was, will] = [old.querySelector("button") ?? old, next.querySelector("button") ?? next];
  was.className = will.className;
  setAttribute(was, "aria-disabled", will.getAttribute("aria-disabled"));
  delete was.dataset.held;
  was.replaceChildren(...will.childNodes);
  return old;
}
