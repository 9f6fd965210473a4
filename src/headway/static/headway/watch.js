// Follows something on the server, by the best way that works at the moment.

import { Failure, Refused } from "./failures.js";

const LOST_AFTER = 2_000; // ms without an answer; a restart that is over by then needs no word
const SLOWEST = 4_000; // between two tries, so that whoever waits sees a server that is back within 5 s
const DISTRUST = 30_000; // then a better way that has failed gets another chance; each time it takes twice as long
const LONGEST_DISTRUST = 600_000;
const OUT_OF_SIGHT = 15_000; // a hidden tab keeps its connection for so long
const HURRY = 250; // no two questions within so short a time, whatever the server says
const POLITE = 1_000; // after "too many" without a word on how long
const LONGEST_PAUSE = 60_000; // whatever the server says

/** Tries `ways`, the best first; falls back to the next when one fails, and climbs up again. */
export class Watch {
  #ways;
  #hear;
  #place;
  #tell;
  #restsWhenHidden;
  #stopping = null;
  #wake = () => {};
  #rung = 0;
  #climbAt = 0;
  #distrust = DISTRUST;
  #failures = 0;
  #failingSince = null;
  #hiding = null;
  #tags = new Map();

  /**
   * `ways`: functions of ways.js and shared.js, their address bound. `hear(message, {opening})` takes what comes, `place()` is the
   * revision that is known, `tell({state, retryAt, failure})` hears of the connection: "live", "lost", or the code of what was
   * Refused. `restsWhenHidden`: only while somebody looks at the page.
   */
  constructor({ ways, hear, place, tell, restsWhenHidden = false }) {
    this.#ways = ways;
    this.#hear = hear;
    this.#place = place;
    this.#tell = tell;
    this.#restsWhenHidden = restsWhenHidden;
  }

  start() {
    if (this.#stopping) return;
    this.#listen(globalThis.addEventListener);
    this.#go();
  }

  stop() {
    clearTimeout(this.#hiding);
    this.#listen(globalThis.removeEventListener);
    this.#rest();
  }

  /** Try at once. */
  now() {
    this.#wake();
  }

  #listen(how) {
    if (!globalThis.document) return;
    for (const name of ["visibilitychange", "online", "offline", "pagehide", "pageshow"]) {
      how.call(name === "visibilitychange" ? document : window, name, this.#onPage);
    }
  }

  #onPage = ({ type }) => {
    if (type === "offline") return this.#again();
    if (type === "online") return this.now();
    clearTimeout(this.#hiding);
    if (type === "pagehide") this.#rest();
    else if (!document.hidden || !this.#restsWhenHidden) this.#go();
    else this.#hiding = setTimeout(() => this.#rest(), OUT_OF_SIGHT);
  };

  #rest() {
    this.#stopping?.abort();
    this.#stopping = null;
  }

  #again() {
    if (!this.#stopping) return; // it rests out of sight, and begins anew when somebody looks
    this.#rest();
    this.#failingSince ??= Date.now() - LOST_AFTER;
    this.#go();
  }

  #go() {
    if (this.#stopping) return;
    this.#stopping = new AbortController();
    this.#run(this.#stopping.signal);
  }

  async #run(signal) {
    while (!signal.aborted) {
      const asked = Date.now();
      let pause;
      try {
        pause = await this.#ways[this.#rung]({
          hear: (message, how = {}) => this.#heard(signal, message, how),
          place: this.#place,
          tags: this.#tags,
          signal,
        });
        this.#works(signal);
        pause = Math.min(Math.max(Number(pause) || 0, HURRY - (Date.now() - asked)), LONGEST_PAUSE);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof Refused) return this.#end(error);
        if (!(error instanceof Failure)) report(error); // a mistake here or in the browser: other ways may do without it
        pause = this.#setBack(error);
      }
      await this.#sleep(pause, signal);
    }
  }

  #heard(signal, message, how) {
    if (signal.aborted) return;
    this.#works(signal);
    try {
      this.#hear(message, how);
    } catch (error) {
      report(error); // the next message may do better
    }
  }

  #works(signal) {
    if (signal.aborted) return;
    this.#failures = 0;
    this.#failingSince = null;
    if (this.#rung === 0) this.#distrust = DISTRUST;
    else if (Date.now() >= this.#climbAt) this.#rung = 0;
    this.#tell({ state: "live" });
  }

  /** The ms until the next try, one rung further down. */
  #setBack(failure) {
    const lowest = this.#ways.length - 1;
    if (failure.answered) {
      this.#fall();
      return Math.min(Math.max(failure.pause, POLITE), LONGEST_PAUSE);
    }
    this.#failingSince ??= Date.now();
    if (this.#rung < lowest) {
      this.#fall();
      return 0;
    }
    this.#climbAt = 0; // nothing works, so the better ways are not to blame
    this.#failures += 1;
    const pause = Math.min(SLOWEST, 250 * 2 ** this.#failures) * (0.75 + Math.random() / 4);
    if (Date.now() - this.#failingSince >= LOST_AFTER) this.#tell({ state: "lost", retryAt: Date.now() + pause });
    return pause;
  }

  #fall() {
    this.#rung = Math.min(this.#rung + 1, this.#ways.length - 1);
    this.#climbAt = Date.now() + this.#distrust;
    this.#distrust = Math.min(2 * this.#distrust, LONGEST_DISTRUST);
  }

  #end(failure) {
    this.stop();
    this.#tell({ state: failure.code, failure });
  }

  #sleep(ms, signal) {
    if (signal.aborted) return;
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      signal.addEventListener("abort", wake);
      this.#wake = wake;
    });
  }
}

function report(error) {
  (globalThis.reportError ?? console.error)(error);
}
