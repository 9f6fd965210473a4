// What may be asked of a run, sent to the API. The pages' plain forms do the same where no script runs.

const PATIENCE = 20_000; // ms for an answer; what was asked may be asked again, it happens once

/** The API refused. `code` is the problem's; `other` is the run it speaks of, as an address of the API, or nothing. */
export class Refusal extends Error {
  constructor({ type = "", detail = "", newest, existing }, status) {
    super(detail);
    this.code = type.startsWith("urn:headway:problem:") ? type.split(":").at(-1) : `status-${status}`;
    this.other = newest ?? existing;
  }
}

/**
 * POST an action ("pause", "resume", "cancel", "retry"). Gives the run as it is then; throws Refusal, or another error
 * where there was no answer. A page whose CSRF token is too old fetches a fresh one, and asks once more.
 */
export async function ask(run, action) {
  const address = `${run.links.self}${action}/`;
  let response = await post(address);
  if (response.status === 403 && (await renewToken())) response = await post(address);
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refusal(body, response.status);
  if (!body.id) throw new Error("somebody else's page has answered");
  return body;
}

/** The run at this address of the API. */
export async function get(address) {
  const response = await fetch(address, { headers: { Accept: "application/json" }, signal: AbortSignal.timeout(PATIENCE) });
  const body = await response.json();
  if (!response.ok) throw new Refusal(body, response.status);
  return body;
}

function post(address) {
  const headers = { Accept: "application/json", "X-CSRFToken": tokens()[0]?.value ?? "" };
  return fetch(address, { method: "POST", headers, signal: AbortSignal.timeout(PATIENCE) });
}

/** Fetch this page anew for its token: who has signed in again in another tab has another. Gives whether it has one. */
export async function renewToken() {
  const response = await fetch(location.href, { headers: { Accept: "text/html" }, signal: AbortSignal.timeout(PATIENCE) });
  const fresh = tokens(new DOMParser().parseFromString(await response.text(), "text/html"))[0]?.value;
  if (!response.ok || response.redirected || !fresh) return false;
  for (const input of tokens()) input.value = fresh;
  return true;
}

function tokens(root = document) {
  return [...root.querySelectorAll("input[name='csrfmiddlewaretoken']")];
}
