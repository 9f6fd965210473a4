// The ways to hear of a run: a stream, a socket, a long poll, a short poll. Each goes once; watch.js decides which is next.

import { connection } from "./connections.js";
import { Failure, Refused } from "./failures.js";

const OPEN_WITHIN = 5_000; // ms; a proxy that holds a stream back gives nothing by then
const LONGEST_SILENCE = 60_000; // the server ends every stream before that
const POLL_EVERY = 2_000;
const ONE_ANSWER = 1_000; // a stream that ends so soon is a server's that can only answer once (WSGI)
const LONG_POLL = 25; // s, the longest that the server allows
const PATIENCE = 10_000; // for an answer beyond what was asked for
const STREAM = "text/event-stream";
const COME_BACK = [1000, 1001, 1012]; // codes by which the server closes a socket that has done its work
const TOO_MANY = [1013, 4429];
const FINAL = { 401: "signed-out", 403: "refused", 404: "gone", 410: "gone" };

/**
 * A stream, until the server ends it. Gives the ms until it should be opened again. `mayBeSilent`: it has nothing to
 * say at first; otherwise only its first message proves that nobody on the way holds it back.
 */
export async function stream(address, how) {
  const release = await connection();
  try {
    how.signal.throwIfAborted();
    return await listen((signal) => events(address(), { ...how, signal }), how);
  } finally {
    release();
  }
}

/** A socket, likewise. It is none of the connections that a browser counts. */
export async function socket(address, how) {
  if (!globalThis.WebSocket) throw new Failure("there are no sockets here");
  return await listen((signal) => each(frames(address().replace(/^http/, "ws")), signal), how);
}

async function listen(open, { hear, signal }) {
  const silence = new AbortController();
  const wait = (ms) => setTimeout(() => silence.abort(), ms);
  let timer = wait(OPEN_WITHIN);
  let opened = 0; // when its first message came
  try {
    for await (const message of open(AbortSignal.any([signal, silence.signal]))) {
      clearTimeout(timer);
      timer = wait(LONGEST_SILENCE);
      if (message?.type === "rotate") return message.retry_ms ?? 0;
      if (message) hear(message, { opening: !opened });
      opened ||= Date.now();
    }
    if (!opened) throw new Failure("it has said nothing");
  } catch (error) {
    if (!opened) throw error instanceof Refused || error instanceof Failure ? error : new Failure(error.message);
  } finally {
    clearTimeout(timer);
    silence.abort();
  }
  return Date.now() - opened < ONE_ANSWER ? POLL_EVERY : 0;
}

/** The messages of an answer that goes on and on; at first nothing, if it is there and may be silent. */
async function* events(url, { headers, signal, mayBeSilent }) {
  const response = await ask(url, { signal, headers: { ...headers, Accept: STREAM } });
  if (!response.headers.get("Content-Type")?.startsWith(STREAM)) throw new Failure("it is somebody else's page");
  if (mayBeSilent) yield null;
  let rest = "";
  for await (const text of each(response.body.pipeThrough(new TextDecoderStream()), signal)) {
    const blocks = (rest + text).split("\n\n");
    rest = blocks.pop();
    for (const data of blocks.map((block) => /^data: (.*)/m.exec(block))) if (data) yield JSON.parse(data[1]);
  }
}

/** The messages of a socket. */
function frames(url) {
  const socket = new WebSocket(url);
  const start = (out) => {
    socket.onmessage = ({ data }) => out.enqueue(JSON.parse(data));
    socket.onclose = ({ code }) => {
      if (COME_BACK.includes(code)) out.close();
      else out.error(new Failure(`the socket is closed with ${code}`, { answered: TOO_MANY.includes(code) }));
    };
  };
  const cancel = () => {
    socket.onmessage = socket.onclose = null;
    socket.close();
  };
  return new ReadableStream({ start, cancel });
}

async function* each(readable, signal) {
  const reader = readable.getReader();
  const cancel = () => reader.cancel().catch(() => {}); // it has broken off already
  signal.addEventListener("abort", cancel);
  try {
    for (let next; !(next = await reader.read()).done; ) yield next.value;
  } finally {
    signal.removeEventListener("abort", cancel);
    cancel();
  }
}

/** A long poll. Gives the ms until the next. */
export async function longPoll(address, { hear, place, signal, headers }) {
  const release = await connection();
  try {
    const url = `${address()}?after=${place()}&seconds=${LONG_POLL}`;
    const response = await ask(url, { signal, headers, within: LONG_POLL * 1000 + PATIENCE });
    if (response.status === 200) hear(await read(response));
    return retryAfter(response) ?? 0;
  } finally {
    release();
  }
}

/**
 * A short poll; `tags` remembers the ETag of each address. Gives the ms until the next. `strict`: nothing has come from
 * this address so far, so anybody's "not there" counts.
 */
export async function shortPoll(address, { hear, signal, headers, tags, strict }) {
  const url = address();
  const known = tags.has(url) ? { "If-None-Match": tags.get(url) } : {};
  const response = await ask(url, { signal, headers: { ...headers, ...known }, within: PATIENCE, strict });
  if (response.status === 200) {
    const body = await read(response);
    const tag = response.headers.get("ETag");
    if (tag) tags.set(url, tag);
    for (const run of body.results ?? [body]) hear({ type: run.done ? "end" : "snapshot", run });
  }
  return Math.max(POLL_EVERY, retryAfter(response) ?? 0);
}

async function ask(url, { signal, headers, within, strict = false }) {
  const patience = within ? AbortSignal.any([signal, AbortSignal.timeout(within)]) : signal;
  const options = { headers: { Accept: "application/json", ...headers }, cache: "no-store", signal: patience };
  let response;
  try {
    response = await fetch(url, options);
  } catch (error) {
    throw new Failure(`no answer: ${error.message}`);
  }
  if (response.ok || response.status === 304) return response;
  // Only our own server's word counts; a proxy's 404 or 503 while it is deployed does not.
  const ours = response.headers.get("Content-Type")?.startsWith("application/problem+json");
  const final = (ours || strict) && FINAL[response.status];
  if (final) throw new Refused(final, await whyOf(response, ours));
  const answered = response.status === 429 || (ours && response.status === 503);
  throw new Failure(`answer ${response.status}`, { answered, pause: retryAfter(response) ?? 0 });
}

async function whyOf(response, ours) {
  const { detail } = ours ? await response.json().catch(() => ({})) : {};
  return detail ?? `The answer of ${response.url} is ${response.status}.`;
}

/** A message, if only of a type that this version doesn't know; a run; or a page of runs. */
async function read(response) {
  const body = await response.json().catch(() => null);
  const isOurs = body?.type || body?.results || (body?.run ?? body)?.revision !== undefined;
  if (!isOurs) throw new Failure("the answer breaks off, or is somebody else's page");
  return body;
}

function retryAfter(response) {
  const seconds = Number.parseFloat(response.headers.get("Retry-After") ?? "");
  return Number.isFinite(seconds) ? seconds * 1000 : null;
}
