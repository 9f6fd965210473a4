// Follow one run: `for await (const run of follow(address))`. docs/how-to/follow-in-javascript.md shows how.

import { Failure, Refused } from "./failures.js";
import { shared } from "./shared.js";
import { Watch } from "./watch.js";
import { longPoll, shortPoll, socket, stream } from "./ways.js";

export { Refused };

/**
 * The run, each time that it has changed, up to its end. `run` is its address in the API, or the run itself, which then
 * comes first. Throws Refused; `follow.d.ts` says what the options are.
 */
export function follow(run, options) {
  return new Following(run, options);
}

class Following {
  #run = null; // as it was heard of last
  #isNews = false; // whether the loop hasn't had that yet
  #failure = null;
  #wake = () => {};
  #signal;
  #watch;

  constructor(run, { signal, headers, events, restsWhenHidden, onConnection = () => {} } = {}) {
    this.#signal = signal;
    const base = new URL(run.links?.self ?? run, globalThis.document?.baseURI);
    const at = (link) => () => new URL(this.#run.links[link], base).href;
    // Where a page shows several runs, one stream is for all of them, and nobody has a socket.
    const pushed = events
      ? [(how) => shared(new URL(events, base).href, this.#run.id, how), (how) => stream(at("events"), how)]
      : [(how) => stream(at("events"), how), (how) => socket(at("socket"), how)];
    const ways = [...pushed, (how) => longPoll(at("wait"), how), (how) => shortPoll(at("self"), how)];
    const first = (how) => this.#begin(base.href, how);
    this.#watch = new Watch({
      ways: ways.map((way) => (how) => (this.#run ? way : first)({ ...how, headers })),
      hear: (message, how) => this.#hear(message, how),
      place: () => this.#run.revision,
      tell: (connection) => (connection.failure ? this.#fail(connection.failure) : onConnection(connection)),
      restsWhenHidden,
    });
    if (run.links) this.hear(run);
  }

  /** A short poll that says where the other ways are. */
  async #begin(address, how) {
    await shortPoll(() => address, { ...how, strict: true });
    if (!this.#run) throw new Failure("it is no run's address");
    return 0;
  }

  async *[Symbol.asyncIterator]() {
    this.#signal?.throwIfAborted();
    const onAbort = () => this.#fail(this.#signal.reason);
    this.#signal?.addEventListener("abort", onAbort);
    if (!this.#run?.done) this.#watch.start();
    try {
      while (!this.#run?.done || this.#isNews) yield await this.#next();
    } finally {
      this.#watch.stop();
      this.#signal?.removeEventListener("abort", onAbort);
    }
  }

  /** Take what somebody else has told of the run, such as the answer to a POST. */
  hear(run) {
    this.#hear({ run });
  }

  /** Ask at once, instead of when it is time again. */
  now() {
    this.#watch.now();
  }

  /** The run as it is now: what the loop was too slow for is left out. */
  async #next() {
    while (!this.#isNews && !this.#failure) await new Promise((resolve) => (this.#wake = resolve));
    this.#signal?.throwIfAborted();
    if (!this.#isNews) throw this.#failure;
    this.#isNews = false;
    return this.#run;
  }

  /** Take a message, unless it is older than what is known; only the first of a stream is believed in any case. */
  #hear(message, { opening = false } = {}) {
    const { type, ...told } = message.run ?? message;
    const before = this.#run;
    if (told.revision === undefined || before?.done) return; // a message that this version doesn't know
    if (told.revision < before?.revision && !opening) return;
    this.#run = { ...before, ...told, links: { ...before?.links, ...told.links } };
    if (isTheSame(before, this.#run)) return;
    if (this.#run.done) this.#watch.stop();
    this.#isNews = true;
    this.#wake();
  }

  #fail(failure) {
    this.#failure = failure;
    this.#wake();
  }
}

/** Whether nothing has happened to the run: rates and times left come from the clock. */
function isTheSame(before, now) {
  return before?.revision === now.revision && before.stalled === now.stalled && before.reason?.text === now.reason?.text;
}
