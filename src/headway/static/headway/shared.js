// One stream for all the panels and lists of a page: that of the person's own runs.

import { Failure } from "./failures.js";
import { stream } from "./ways.js";

const UNMENTIONED = 5_000; // ms; a run that the stream doesn't speak of by then isn't in it

const open = new Map(); // by address

/**
 * A way for watch.js: hear what the page's stream at `address` says of the run `id`, or of all runs. Whoever comes
 * first opens the stream; it is closed when the last one leaves.
 */
export function shared(address, id, { hear, signal, headers }) {
  if (!open.has(address)) open.set(address, new Shared(address, headers));
  return open.get(address).follow({ id, hear, signal });
}

class Shared {
  #followers = new Set();
  #said = new Map(); // of each run: its last snapshot, and what came after it
  #closing = new AbortController();
  #ended;

  constructor(address, headers) {
    const how = { hear: (message) => this.#tell(message), signal: this.#closing.signal, headers, mayBeSilent: true };
    const close = () => open.get(address) === this && open.delete(address);
    this.#ended = stream(() => address, how).finally(close);
    this.#ended.catch(() => {}); // each follower hears of it
    this.#closing.signal.addEventListener("abort", close);
  }

  /** Gives the ms until the stream should be opened again. */
  follow({ id, hear, signal }) {
    return new Promise((resolve, reject) => {
      let isIn = !id;
      const follower = { id, hear: (...heard) => ((isIn = true), hear(...heard)) };
      const leave = (settle, value) => {
        clearTimeout(timer);
        signal.removeEventListener("abort", onAbort);
        this.#followers.delete(follower);
        if (!this.#followers.size) this.#closing.abort(signal.reason);
        settle(value);
      };
      const onAbort = () => leave(reject, signal.reason);
      const onSilence = () => leave(reject, new Failure("the page's stream doesn't speak of this run"));
      const timer = setTimeout(() => isIn || onSilence(), UNMENTIONED);
      signal.addEventListener("abort", onAbort);
      this.#followers.add(follower);
      this.#ended.then((pause) => (isIn ? leave(resolve, pause) : onSilence()), (error) => leave(reject, error));
      for (const [about, messages] of this.#said) if (!id || id === about) messages.forEach((message) => follower.hear(message));
    });
  }

  #tell(message) {
    const id = message.run?.id ?? message.id;
    const before = this.#said.get(id);
    this.#said.set(id, message.run ? [message] : [...(before ?? []).slice(0, 1), message]);
    const opening = !before;
    for (const follower of this.#followers) {
      if (!follower.id || follower.id === id) follower.hear(message, { opening });
    }
  }
}
