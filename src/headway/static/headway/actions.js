// What may be asked of a run, sent to the API. The pages' plain forms do the same where no script runs.

/** The API refused; `message` is its sentence. */
export class Refusal extends Error {
  constructor(problem) {
    super(problem.detail || problem.title || "");
  }
}

/** POST an action ("pause", "resume", "cancel", "retry"). Gives the run as it is then; throws Refusal, TypeError. */
export async function ask(run, action, csrfToken) {
  const response = await fetch(`${run.links.self}${action}/`, {
    method: "POST",
    headers: { Accept: "application/json", "X-CSRFToken": csrfToken },
  });
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refusal(body);
  return body;
}
