// <headway-run>: takes over the panel that the server has rendered, keeps it up to date, and sends what is pressed.

import { Refusal, ask, get } from "./actions.js";
import { Faces } from "./faces.js";
import { Refused, follow } from "./follow.js";
import { Panel } from "./panel.js";
import { refresh } from "./refresh.js";
import { titled } from "./values.js";
import { Words } from "./words.js";

const TICK = 1_000; // ms; times that pass are told anew so often

class HeadwayRun extends HTMLElement {
  #run;
  #panel;
  #following = null;
  #leaving; // aborts it
  #ticking;
  #skew = 0; // ms by which the server's clock is ahead of this one
  #heardAt = new Date();
  #connection = { state: "live" };
  #words;

  connectedCallback() {
    this.#panel = new Panel(this.querySelector(".hw-run"));
    try {
      this.#connect();
    } catch (error) {
      this.#fail(error);
    }
  }

  #connect() {
    const faces = new Faces();
    if (!faces.some || !this.dataset.run) return;
    this.#words = new Words(this.dataset.lang);
    this.#run = JSON.parse(this.dataset.run);
    this.#skew = Date.parse(this.dataset.now) - Date.now();
    this.#panel.use(faces, this.#words);
    this.addEventListener("submit", this.#onSubmit);
    this.addEventListener("click", this.#onClick);
    addEventListener("pageshow", this.#onReturn);
    this.#show();
    if (!this.#run.done && this.#run.links.self) this.#begin();
  }

  disconnectedCallback() {
    this.removeEventListener("submit", this.#onSubmit);
    this.removeEventListener("click", this.#onClick);
    removeEventListener("pageshow", this.#onReturn);
    this.#rest();
    if (this.#run) this.dataset.run = JSON.stringify(this.#run); // put elsewhere in the page, it goes on from here
  }

  async #begin() {
    this.#rest();
    this.#leaving = new AbortController();
    this.#ticking = setInterval(() => this.#show(), TICK);
    const { signal } = this.#leaving;
    const onConnection = (connection) => this.#tell(connection);
    try {
      this.#following = follow(this.#run, { signal, events: this.#events, restsWhenHidden: true, onConnection });
      for await (const run of this.#following) this.#take(run);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Refused)) return this.#fail(error);
      this.#rest();
      this.#tell({ state: error.code === "signed-out" ? error.code : "gone" });
    }
  }

  /** Where the page shows other runs too, all share one stream, as a browser has few connections. */
  get #events() {
    return document.querySelectorAll("headway-run, headway-runs").length === 1 ? undefined : this.dataset.events;
  }

  #rest() {
    this.#leaving?.abort();
    this.#following = null;
    clearInterval(this.#ticking);
  }

  #take(run) {
    const before = this.#run;
    this.#run = titled(run, before.title, this.dataset.steps);
    if (this.#run.done) {
      this.#connection = { state: "live" };
      this.#rest();
      this.#panel.confirming = false;
    }
    this.#show();
    if (this.#run.state !== before.state) this.#settled();
    if (this.#run.message !== before.message) this.dispatchEvent(new CustomEvent("headway:message", { bubbles: true }));
  }

  /** Another state: lists elsewhere on the page may say more now than they did. */
  #settled() {
    this.dispatchEvent(new CustomEvent("headway:state", { bubbles: true, detail: { run: this.#run } }));
    if (this.#run.done || this.#run.state === "paused") refresh();
  }

  #tell(connection) {
    if (this.#run.done) return;
    this.#connection = connection;
    if (connection.state === "live") this.#heardAt = this.#now;
    this.#show();
  }

  #show() {
    try {
      this.#showRun();
      this.#panel.broken = false;
    } catch (error) {
      this.#fail(error);
    }
  }

  /** A mistake of this script: what is shown may be wrong from now on, so say that, and tell the console once. */
  #fail(error) {
    if (!this.#panel.broken) reportError(error);
    this.#panel.broken = true;
  }

  #showRun() {
    const { state, retryAt } = this.#connection;
    const left = retryAt ? (retryAt - Date.now()) / 1000 : 0;
    this.#panel.show(this.#run, {
      now: this.#now,
      override: state === "live" ? null : state,
      extra: {
        as_of: this.#words.moment(this.#heardAt, this.#now, { exact: true }),
        retry_in: left >= 0.5 ? this.#words.duration(Math.round(left)) : "",
        at_work: this.#run.state === "running" && !this.#run.stalled && !this.#run.reason ? this.#run.state : "",
      },
      hrefs: this.#hrefs,
      canSteer: "canSteer" in this.dataset,
    });
  }

  get #now() {
    return new Date(Date.now() + this.#skew);
  }

  /** Where this run is shown: the project's own page, or else Headway's. */
  get #page() {
    return this.dataset.ownPage ?? this.dataset.page;
  }

  get #hrefs() {
    const { page, again } = this.dataset; // Headway’s page, which alone has the list of failures
    const { id, retried_by: retry, retry_of: first, links } = this.#run;
    const { failures, file, results } = links;
    const [retried, retries] = [retry, first].map((other) => (other ? this.#page?.replace(id, other) : ""));
    return { failures, file, results, again, page, retried, retries, list: page ? `${page}#failures` : failures };
  }

  #onClick = (event) => {
    const pressed = event.target.closest("[data-action='connect'], [data-confirm='no'], [data-href='list']");
    if (!pressed) return;
    if (pressed.dataset.href === "list") return void refresh();
    event.preventDefault();
    if (pressed.dataset.action === "connect") this.#connectNow();
    else this.#panel.confirming = false;
  };

  #connectNow() {
    this.#tell({ state: "lost" }); // "It is trying again now."
    this.#following?.now();
  }

  #onSubmit = (event) => {
    const form = event.target;
    const busy = this.#panel.asking || form.querySelector("[aria-disabled]");
    const action = form.dataset.action ?? "cancel";
    if (this.#run.links.self || busy) event.preventDefault();
    if (busy) return;
    if (form.dataset.action === "cancel" && this.#run.links.self) this.#panel.confirming = true;
    else if (this.#run.links.self) this.#send(action);
    else if (form.method === "post") this.#panel.asking = action; // the API isn't mounted: the plain form does it
  };

  /** Back from another page. */
  #onReturn = ({ persisted }) => {
    if (persisted) this.#panel.asking = "";
  };

  async #send(action) {
    this.#panel.problem = null;
    this.#panel.asking = action;
    this.#panel.confirming = false;
    try {
      const run = await ask(this.#run, action);
      if (action === "retry") this.#follow(run);
      else this.#following?.hear(run);
      if (action !== "retry" || !this.#page) this.#panel.asking = "";
    } catch (error) {
      this.#panel.asking = "";
      await this.#refused(error);
      this.#following?.now();
    }
    this.#show();
  }

  /** Say why, with a way on. Where there are no pages to lead to, the newest run is shown here. */
  async #refused(error) {
    const { code = "no-answer", other } = error instanceof Refusal ? error : {};
    const newest = code === "already-retried" && !this.#page && (await get(other).catch(() => null));
    if (newest) return this.#follow(newest);
    this.#panel.problem = { code, hrefs: { other: other ? this.#pageOf(other) : "" } };
  }

  /** A retry is another run: to its page, or here where there is no such page. */
  #follow(run) {
    if (this.#page) {
      location.assign(this.#page.replace(this.#run.id, run.id));
      return;
    }
    this.#run = titled(run, this.#run.title, this.dataset.steps);
    this.#panel.startedByReader();
    this.#show();
    this.#begin();
  }

  /** The page of the run that has this address in the API. */
  #pageOf(address) {
    const id = address.match(/[^/]+(?=\/$)/)?.[0] ?? "";
    return this.#page?.replace(this.#run.id, id) ?? "";
  }
}

customElements.define("headway-run", HeadwayRun);
