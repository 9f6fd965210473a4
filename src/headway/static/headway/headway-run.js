// <headway-run>: takes over the panel that the server has rendered, keeps it up to date, and sends what is pressed.

import { Refusal, ask } from "./actions.js";
import { Faces } from "./faces.js";
import { Panel } from "./panel.js";
import { refresh } from "./refresh.js";
import { Watch } from "./watch.js";
import { longPoll, shortPoll, stream } from "./ways.js";
import { Words } from "./words.js";

const TICK = 1_000; // ms; times that pass are told anew so often

class HeadwayRun extends HTMLElement {
  #run;
  #panel;
  #watch;
  #ticking;
  #skew = 0; // ms by which the server's clock is ahead of this one
  #heardAt = new Date();
  #connection = { state: "live" };
  #words;

  connectedCallback() {
    const faces = new Faces();
    if (!faces.some || !this.dataset.run) return;
    this.#words = new Words(this.dataset.lang);
    this.#run = JSON.parse(this.dataset.run);
    this.#skew = Date.parse(this.dataset.now) - Date.now();
    this.#panel = new Panel(this.querySelector(".hw-run"), faces, this.#words);
    this.addEventListener("submit", this.#onSubmit);
    this.addEventListener("click", this.#onClick);
    this.#watch = new Watch({
      ways: [
        (how) => stream(() => this.#run.links.events, how),
        (how) => longPoll(() => this.#run.links.wait, how),
        (how) => shortPoll(() => this.#run.links.self, how),
      ],
      hear: (message, how) => this.#hear(message, how),
      place: () => this.#run.revision,
      tell: (connection) => this.#tell(connection),
    });
    this.#show();
    if (!this.#run.done && this.#run.links.self) this.#begin();
  }

  disconnectedCallback() {
    this.removeEventListener("submit", this.#onSubmit);
    this.removeEventListener("click", this.#onClick);
    this.#rest();
    if (this.#run) this.dataset.run = JSON.stringify(this.#run); // put elsewhere in the page, it goes on from here
  }

  #begin() {
    this.#watch.start();
    clearInterval(this.#ticking);
    this.#ticking = setInterval(() => this.#show(), TICK);
  }

  #rest() {
    this.#watch?.stop();
    clearInterval(this.#ticking);
  }

  /** Take a message, unless it is older than what is shown; only the first of a stream is believed in any case. */
  #hear(message, { opening = false } = {}) {
    if (this.#run.done) return;
    const news = message.run ?? message;
    if (news.revision === undefined) return; // a message that this version doesn't know
    if (news.revision < this.#run.revision && !opening) return;
    this.#take(message.run ?? { ...message, ...(news.revision > this.#run.revision && { updated_at: this.#now.toISOString() }) });
  }

  #take(news) {
    const before = this.#run;
    this.#heardAt = this.#now;
    this.#run = { ...before, ...news, title: before.title, links: { ...before.links, ...news.links } };
    if (this.#run.done) {
      this.#connection = { state: "live" };
      this.#rest();
      this.#panel.confirming = false;
    }
    this.#show();
    if (this.#run.state !== before.state) this.#settled();
  }

  /** Another state: lists elsewhere on the page may say more now than they did. */
  #settled() {
    this.dispatchEvent(new CustomEvent("headway:state", { bubbles: true, detail: { run: this.#run } }));
    if (this.#run.done || this.#run.state === "paused") refresh();
  }

  #tell(connection) {
    if (this.#run.done) return;
    this.#connection = connection;
    if (connection.state === "signed-out" || connection.state === "gone") this.#rest();
    this.#show();
  }

  #show() {
    const { state, retryAt } = this.#connection;
    const left = retryAt ? (retryAt - Date.now()) / 1000 : 0;
    this.#panel.show(this.#run, {
      now: this.#now,
      override: state === "live" ? null : state,
      extra: {
        as_of: this.#words.moment(this.#heardAt, this.#now, { exact: true }),
        retry_in: left >= 0.5 ? this.#words.duration(Math.round(left)) : "",
      },
      hrefs: this.#hrefs,
      canSteer: "canSteer" in this.dataset,
    });
  }

  get #now() {
    return new Date(Date.now() + this.#skew);
  }

  get #hrefs() {
    const { page, again } = this.dataset;
    const { failures } = this.#run.links;
    return { failures, again, page, list: page ? `${page}#failures` : failures };
  }

  #onClick = (event) => {
    const pressed = event.target.closest("[data-action='connect'], [data-confirm='no'], [data-href='list']");
    if (!pressed) return;
    if (pressed.dataset.href === "list") return void refresh();
    event.preventDefault();
    if (pressed.dataset.action === "connect") this.#watch.now();
    else {
      this.#panel.confirming = false;
      this.querySelector("form[data-action='cancel'] button")?.focus();
    }
  };

  #onSubmit = (event) => {
    if (!this.#run.links.self) return; // the API isn't mounted: the plain form does it
    const form = event.target;
    event.preventDefault();
    if ("sending" in form.dataset || form.querySelector("[aria-disabled]")) return;
    if (form.dataset.action === "cancel") this.#panel.confirming = true;
    else this.#send(form.dataset.action ?? "cancel", form);
  };

  async #send(action, form) {
    form.dataset.sending = "";
    this.#panel.problem = "";
    try {
      const run = await ask(this.#run, action, this.#csrfToken);
      if (action === "retry") return this.#follow(run);
      this.#panel.confirming = false;
      if (run.revision >= this.#run.revision) this.#take(run);
    } catch (error) {
      this.#panel.confirming = false;
      this.#panel.problem = this.#sentence(error);
      this.#watch.now();
    } finally {
      delete form.dataset.sending;
      this.#show();
    }
  }

  /** A retry is another run: to its page, or here where there is no such page. */
  #follow(run) {
    if (this.dataset.page) {
      location.assign(this.dataset.page.replace(this.#run.id, run.id));
      return;
    }
    this.#run = { ...run, title: this.#run.title };
    this.#show();
    this.#begin();
  }

  #sentence(error) {
    if (error instanceof Refusal && error.message) return error.message;
    return this.querySelector(".hw-run-problem").dataset.otherwise;
  }

  get #csrfToken() {
    return this.querySelector("input[name='csrfmiddlewaretoken']")?.value ?? "";
  }
}

customElements.define("headway-run", HeadwayRun);
