// The loop itself, run by test_loop.py: MODULE is follow.js, ADDRESS a run that goes on, HEADERS sign its owner in.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";

const { MODULE, ADDRESS, HEADERS } = process.env;
const { follow, Refused } = await import(MODULE);
const headers = JSON.parse(HEADERS);
const census = async () => (await fetch(new URL("/census/", ADDRESS))).json();

async function watchers(count) {
  for (const until = Date.now() + 30_000; Date.now() < until; ) if ((await census()).watchers === count) return;
  assert.fail(`there are not ${count} watchers`);
}

test("a loop that is left leaves nothing open", async () => {
  for await (const run of follow(ADDRESS, { headers })) {
    await watchers(1);
    assert.equal(run.done, false);
    break;
  }
  await watchers(0);
});

test("a loop that is aborted throws the reason", async () => {
  const leaving = new AbortController();
  const loop = (async () => {
    for await (const _ of follow(ADDRESS, { headers, signal: leaving.signal })) await watchers(1);
  })();
  await watchers(1);
  leaving.abort(new Error("enough"));
  await assert.rejects(loop, { message: "enough" });
  await watchers(0);
  await assert.rejects(follow(ADDRESS, { signal: leaving.signal })[Symbol.asyncIterator]().next(), { message: "enough" });
});

test("a run that is given comes first, and one that has ended is all there is", async () => {
  const run = { id: "1", done: true, revision: 7, links: { self: "http://127.0.0.1:1/" } };
  const heard = [];
  for await (const each of follow(run)) heard.push(each);
  assert.deepEqual(heard, [run]);
});

test("what somebody else has told comes by the loop as well, unless it is older", async () => {
  const following = follow(ADDRESS, { headers });
  const heard = [];
  for await (const run of following) {
    heard.push(run.revision);
    if (heard.length > 1) break;
    for (const later of [-1, 1000]) setTimeout(() => following.hear({ ...run, revision: run.revision + later }));
  }
  assert.equal(heard[1] - heard[0], 1000);
});

test("an address that leads to no run is told at once", async () => {
  const loop = async (address) => {
    for await (const _ of follow(address, { headers }));
  };
  await assert.rejects(loop(new URL("/nothing/", ADDRESS)), (error) => error instanceof Refused && error.code === "gone");
});

test("answers that tell of no run are no connection, and aren't asked for without a pause", { timeout: 30_000 }, async () => {
  let asked = 0;
  const portal = createServer((_, response) => {
    asked += 1;
    response.writeHead(200, { "Content-Type": "application/json", "Retry-After": "1e12" }).end('{"welcome": "sign in"}');
  }).listen(0, "127.0.0.1");
  await once(portal, "listening");
  const at = `http://127.0.0.1:${portal.address().port}/`;
  const run = { id: "1", done: false, revision: 7, links: { self: at, events: at, wait: at, socket: at } };
  const leaving = new AbortController();
  await new Promise((resolve) => {
    const onConnection = ({ state }) => state === "lost" && resolve();
    (async () => {
      for await (const _ of follow(run, { signal: leaving.signal, onConnection }));
    })().catch(() => {});
  });
  leaving.abort();
  portal.close();
  assert.ok(asked < 40, `${asked} questions`);
});
