// <headway-runs>: keeps a list of runs up to date by one stream for all of them.

import { Faces, fill } from "./faces.js";
import { drawBar } from "./panel.js";
import { refresh } from "./refresh.js";
import { shared } from "./shared.js";
import { momentOf, titled, values } from "./values.js";
import { Watch } from "./watch.js";
import { shortPoll } from "./ways.js";
import { Words } from "./words.js";

const UNMENTIONED = 5_000; // ms; a run that the stream doesn't speak of by then has ended long ago
const SELDOM = 30_000;

class HeadwayRuns extends HTMLElement {
  #faces;
  #words;
  #watch;
  #fetched = new Set(); // runs that weren't in the list when the server was asked for it last
  #told = "live"; // how the connection is
  #caughtUp = 0; // when
  #heard = new Set(); // runs that this stream has spoken of

  connectedCallback() {
    const { events, list, lang } = this.dataset;
    this.#faces = new Faces();
    if (!this.#faces.some) return;
    this.#words = new Words(lang);
    document.addEventListener("headway:refreshed", this.#fillAll);
    this.#fillAll();
    if (!events || !list) return;
    this.#watch = new Watch({
      ways: [(how) => this.#listen(events, how), (how) => shortPoll(() => list, how)],
      hear: (message) => this.#hear(message),
      place: () => 0,
      tell: ({ state }) => this.#tell(state),
      restsWhenHidden: true,
    });
    this.#watch.start();
  }

  disconnectedCallback() {
    document.removeEventListener("headway:refreshed", this.#fillAll);
    this.#watch?.stop();
  }

  get #rows() {
    return [...this.querySelectorAll("tr[data-run]")];
  }

  /** The server's times are in its own zone; the reader's is known here. */
  #fillAll = () => {
    for (const row of this.#rows) this.#fill(row, runOf(row));
  };

  #fill(row, run) {
    fill(row, values(run, new Date(), this.#words), { run, momentOf });
  }

  async #listen(events, how) {
    this.#heard.clear();
    const timer = setTimeout(() => this.#catchUp(), UNMENTIONED);
    const pause = await shared(events, null, how).finally(() => clearTimeout(timer));
    this.#catchUp();
    return pause;
  }

  /** Rows of runs that have ended while nobody looked. */
  #catchUp() {
    const missed = this.#rows.map(runOf).some((run) => !run.done && !this.#heard.has(run.id));
    if (!missed || Date.now() < this.#caughtUp + SELDOM) return;
    this.#caughtUp = Date.now();
    refresh();
  }

  /** Say so when the list isn't up to date any more; and when it can't be, by a mistake of this script. */
  #tell(state) {
    if (state === this.#told) return;
    this.#told = state;
    const notice = this.querySelector(`template[data-connection~="${state}"]`);
    this.querySelector("[data-notice]").replaceChildren(notice?.content.cloneNode(true) ?? "");
  }

  #hear(message) {
    try {
      this.#take(message);
    } catch (error) {
      this.#tell("broken");
      throw error;
    }
  }

  #take(message) {
    const news = message.run ?? message;
    if (!news.id) return;
    this.#heard.add(news.id);
    const row = this.#rows.find((row) => runOf(row).id === news.id);
    if (row) this.#show(row, news);
    else if (!this.#fetched.has(news.id) && !this.#isOlder(news)) this.#fetch(news.id);
  }

  /** Whether it would stand below the last row, on another page. */
  #isOlder(news) {
    const last = this.#rows.at(-1);
    return Boolean(last && Date.parse(news.created_at) < Date.parse(runOf(last).created_at));
  }

  async #fetch(id) {
    this.#fetched.add(id);
    if (!(await refresh())) this.#fetched.delete(id);
  }

  #show(row, news) {
    const before = runOf(row);
    if (news.revision < before.revision) return;
    const run = titled({ ...before, ...news }, before.title, row.dataset.steps);
    row.dataset.run = JSON.stringify(run);
    const name = this.#faces.nameFor(run);
    const look = this.#faces.look(name);
    const state = row.querySelector(".hw-state");
    state.dataset.tone = look.tone;
    const icon = state.querySelector("use");
    icon.setAttribute("href", icon.getAttribute("href").replace(/#.*/, `#i-${look.icon}`));
    state.querySelector("[data-part='word']").replaceChildren(...this.#faces.part(name, "word").childNodes);
    this.#fill(row, run);
    drawBar(row.querySelector(".hw-bar"), look.bar, run);
  }
}

function runOf(row) {
  return JSON.parse(row.dataset.run);
}

customElements.define("headway-runs", HeadwayRuns);
