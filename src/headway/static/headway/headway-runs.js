// <headway-runs>: keeps a list of runs up to date by one stream for all of them.

import { Faces, fill } from "./faces.js";
import { drawBar } from "./panel.js";
import { refresh } from "./refresh.js";
import { momentOf, values } from "./values.js";
import { Watch } from "./watch.js";
import { shortPoll, stream } from "./ways.js";
import { Words } from "./words.js";

class HeadwayRuns extends HTMLElement {
  #faces;
  #words;
  #watch;
  #fetched = new Set(); // runs that weren't in the list when the server was asked for it last

  connectedCallback() {
    const { events, list, lang } = this.dataset;
    this.#faces = new Faces();
    if (!events || !list || !this.#faces.some) return;
    this.#words = new Words(lang);
    this.#watch = new Watch({
      ways: [(how) => stream(() => events, { ...how, mayBeSilent: true }), (how) => shortPoll(() => list, how)],
      hear: (message) => this.#hear(message),
      place: () => 0,
      tell: () => {}, // each run's own page says how the connection is
    });
    this.#watch.start();
  }

  disconnectedCallback() {
    this.#watch?.stop();
  }

  #hear(message) {
    const news = message.run ?? message;
    if (!news.id) return;
    const row = [...this.querySelectorAll("tr[data-run]")].find((row) => JSON.parse(row.dataset.run).id === news.id);
    if (row) this.#show(row, news);
    else if (!this.#fetched.has(news.id)) {
      this.#fetched.add(news.id);
      refresh();
    }
  }

  #show(row, news) {
    const before = JSON.parse(row.dataset.run);
    if (news.revision < before.revision) return;
    const run = { ...before, ...news };
    row.dataset.run = JSON.stringify(run);
    const name = this.#faces.nameFor(run);
    const look = this.#faces.look(name);
    const state = row.querySelector(".hw-state");
    state.dataset.tone = look.tone;
    const icon = state.querySelector("use");
    icon.setAttribute("href", icon.getAttribute("href").replace(/#.*/, `#i-${look.icon}`));
    state.querySelector("[data-part='word']").replaceChildren(...this.#faces.part(name, "word").childNodes);
    fill(row, values(run, new Date(), this.#words), { run, momentOf });
    drawBar(row.querySelector(".hw-bar"), look.bar, run);
  }
}

customElements.define("headway-runs", HeadwayRuns);
