// The three ways to hear of a run: a stream, a long poll, a short poll. Each goes once; watch.js decides which is next.

import { connection } from "./connections.js";
import { Failure, Final } from "./failures.js";

const OPEN_WITHIN = 5_000; // ms; a proxy that holds a stream back gives nothing by then
const LONGEST_SILENCE = 60_000; // the server ends every stream before that
const POLL_EVERY = 2_000;
const ONE_ANSWER = 1_000; // a stream that ends so soon is a server's that can only answer once (WSGI)
const LONG_POLL = 25; // s, the longest that the server allows
const PATIENCE = 10_000; // for an answer beyond what was asked for

/**
 * A stream, until the server ends it. Gives the ms until it should be opened again. `mayBeSilent`: it has nothing to
 * say at first; otherwise only its first message proves that nobody on the way holds it back.
 */
export async function stream(address, how) {
  if (!globalThis.EventSource) throw new Failure("this browser has no streams");
  const release = await connection();
  try {
    how.signal.throwIfAborted();
    return await listen(address, how);
  } finally {
    release();
  }
}

function listen(address, { hear, signal, mayBeSilent = false }) {
  return new Promise((resolve, reject) => {
    const source = new EventSource(address());
    let opened = 0; // when its first message came
    let timer = setTimeout(() => end(reject, new Failure("the stream didn't open")), OPEN_WITHIN);
    const end = (settle, value) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      source.close();
      settle(value);
    };
    const onAbort = () => end(reject, signal.reason);
    signal.addEventListener("abort", onAbort);
    const heard = () => {
      clearTimeout(timer);
      timer = setTimeout(() => end(resolve, 0), LONGEST_SILENCE);
      opened ||= Date.now();
    };
    if (mayBeSilent) source.onopen = heard;
    source.onerror = () => {
      if (!opened) end(reject, new Failure("the stream failed"));
      else end(resolve, Date.now() - opened < ONE_ANSWER ? POLL_EVERY : 0);
    };
    source.onmessage = ({ data }) => {
      const message = JSON.parse(data);
      const opening = !opened;
      heard();
      if (message.type === "rotate") end(resolve, message.retry_ms ?? 0);
      else hear(message, { opening });
    };
  });
}

/** A long poll. Gives the ms until the next. */
export async function longPoll(address, { hear, place, signal }) {
  const release = await connection();
  try {
    const url = `${address()}?after=${place()}&seconds=${LONG_POLL}`;
    const response = await ask(url, { signal, within: LONG_POLL * 1000 + PATIENCE });
    if (response.status === 200) hear(await read(response));
    return retryAfter(response) ?? 0;
  } finally {
    release();
  }
}

/** A short poll; `tags` remembers the ETag of each address. Gives the ms until the next. */
export async function shortPoll(address, { hear, signal, tags }) {
  const url = address();
  const headers = tags.has(url) ? { "If-None-Match": tags.get(url) } : {};
  const response = await ask(url, { signal, headers, within: PATIENCE });
  if (response.status === 200) {
    const body = await read(response);
    const tag = response.headers.get("ETag");
    if (tag) tags.set(url, tag);
    for (const run of body.results ?? [body]) hear({ type: run.done ? "end" : "snapshot", run });
  }
  return Math.max(POLL_EVERY, retryAfter(response) ?? 0);
}

async function ask(url, { signal, headers, within }) {
  const patience = AbortSignal.any([signal, AbortSignal.timeout(within)]);
  const options = { headers: { Accept: "application/json", ...headers }, cache: "no-store", signal: patience };
  let response;
  try {
    response = await fetch(url, options);
  } catch (error) {
    signal.throwIfAborted();
    throw new Failure(`no answer: ${error.message}`);
  }
  if (response.ok || response.status === 304) return response;
  // Only our own server's word counts; a proxy's 404 or 503 while it is deployed does not.
  const ours = response.headers.get("Content-Type")?.startsWith("application/problem+json");
  if (ours && response.status === 401) throw new Final("signed-out");
  if (ours && (response.status === 403 || response.status === 404)) throw new Final("gone");
  const answered = response.status === 429 || (ours && response.status === 503);
  throw new Failure(`answer ${response.status}`, { answered, pause: retryAfter(response) ?? 0 });
}

async function read(response) {
  try {
    return await response.json();
  } catch {
    throw new Failure("the answer breaks off, or is somebody else's page");
  }
}

function retryAfter(response) {
  const seconds = Number.parseFloat(response.headers.get("Retry-After") ?? "");
  return Number.isFinite(seconds) ? seconds * 1000 : null;
}
