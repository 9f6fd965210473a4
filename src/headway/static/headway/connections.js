// A browser has six connections to a server over HTTP/1.1, for all its tabs together. Streams leave some of them free.

import { Failure } from "./failures.js";

const FOR_STREAMS = 4; // the other two are for pages, polls and what is pressed

/** Take a connection for a request that lasts. Gives the function that gives it back; throws Failure if none is left. */
export async function connection() {
  if (!globalThis.location || areMany()) return () => {}; // Node counts none
  if (navigator.locks) return await slot();
  if (globalThis.document?.hasFocus()) return () => {}; // without HTTPS there are no locks, and only the tab in use has a stream
  throw new Failure("another tab may need the connection");
}

/** Whether requests share one connection, as those of HTTP/2 and 3 do. */
function areMany() {
  return /^h[23]/.test(performance.getEntriesByType("navigation")[0]?.nextHopProtocol ?? "");
}

async function slot() {
  for (let number = 1; number <= FOR_STREAMS; number += 1) {
    const release = await lock(`headway-stream-${number}`);
    if (release) return release;
  }
  throw new Failure("other tabs have all the connections");
}

/** The function that releases the lock; nothing if another tab has it. A tab that is closed releases its own. */
function lock(name) {
  return new Promise((resolve, reject) => {
    const hold = (held) => held && new Promise((release) => resolve(release));
    navigator.locks.request(name, { ifAvailable: true }, hold).then(() => resolve(), reject);
  });
}
