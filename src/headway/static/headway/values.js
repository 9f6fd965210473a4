// The figures of a snapshot by the names that the faces' templates use. headway/panel/values.py makes the same.

const MOMENTS = {
  created: "created_at",
  created_exact: "created_at",
  started: "started_at",
  updated: "updated_at",
  updated_exact: "updated_at",
  finished: "finished_at",
  finished_exact: "finished_at",
  until: "waiting_until",
};
const EXACT = new Set(["created_exact", "updated_exact", "finished_exact", "until"]);
const SLOW = 0.5; // items a second; below it, how long one takes says more
const COUNTS = ["processed", "total", "succeeded", "failed", "skipped", "retrying"];

/** What of a snapshot decides about its face; `signs` in faces.py says the same. */
export function signs(run) {
  return {
    state: run.state,
    done: run.done,
    stalled: run.stalled,
    reason: run.reason?.code ?? "",
    finishing: Boolean(run.progress.finishing),
    stepping: Boolean(run.progress.step?.under_way),
    counting: run.progress.total === null,
    growing: isGrowing(run.progress),
    retrying: run.progress.retrying > 0,
    waiting: Boolean(run.waiting_until),
  };
}

/** Whether its items find others on the way, so that its total is only what is known so far. */
export function isGrowing({ percent, total }) {
  return percent === null && total > 0;
}

/** Text by name; "" or nothing where there is nothing to say. `now` is a Date by the server's clock. */
export function values(run, now, words) {
  return { ...texts(run, words), ...counts(run, words), ...steps(run, words), ...times(run, now, words) };
}

/** The step whose figures are true now; null: there is none, or its worker is silent. */
export function stepUnderWay(run) {
  const { step } = run.progress;
  return step?.under_way && run.state === "running" && !run.stalled ? step : null;
}

/** The moment in the snapshot that a name stands for, as RFC 3339. */
export function momentOf(run, name) {
  return run[MOMENTS[name]] ?? null;
}

function texts(run, words) {
  return {
    title: run.title,
    state: run.state,
    message: run.message,
    reason: run.reason?.text ?? "",
    result: shown(run.result, words),
    resumes: run.resumes ? words.number(run.resumes) : "",
    dry: run.dry_run ? run.state : "",
    retried: run.retried_by?.slice(0, 8) ?? "", // a server that is about to be replaced says none
    retries: run.retry_of?.slice(0, 8) ?? "",
    own_file: run.retry_of && run.links.file ? run.state : "",
    silent: run.stalled ? run.state : "",
    retryable: run.actions.includes("retry") ? run.state : "",
    upload: Object.values(run.params).some(isFile) ? run.state : "",
  };
}

/** Whether a parameter, as a snapshot has it, is a file that was uploaded. */
function isFile(given) {
  return given !== null && typeof given === "object" && Object.keys(given).sort().join() === "name,size";
}

function counts({ progress, failure_summary: codes }, words) {
  const { processed, succeeded, failed, skipped, percent, eta_seconds: eta } = progress;
  const growing = isGrowing(progress);
  const total = growing ? null : progress.total;
  const found = {};
  for (const name of COUNTS) found[name] = progress[name] === null ? "" : words.number(progress[name]);
  found.at_least = growing ? found.total : "";
  if (growing) found.total = "";
  found.failures = failed ? found.failed : "";
  const coded = (code) => codes.find((entry) => entry.code === code)?.count ?? 0;
  const told = { doubtful: coded("in-doubt"), went_out: coded("went-out") };
  told.to_retry = failed - told.doubtful - told.went_out; // a retry leaves those two alone
  for (const [name, count] of Object.entries(told)) found[name] = count ? words.number(count) : "";
  found.skips = skipped ? found.skipped : "";
  found.successes = succeeded ? found.succeeded : "";
  found.reached = processed === total && failed ? found.total : ""; // so only they are left
  found.nothing = total === 0 ? found.total : "";
  found.single = total === 1 ? found.total : "";
  found.left = total === null ? "" : words.number(total - processed);
  const others = total === null ? 0 : total - processed + told.to_retry;
  found.others = others ? words.number(others) : "";
  found.percent = percent === null ? "" : words.percentage(percent);
  const shares = processed ? words.shares(succeeded, failed, skipped) : ["", "", ""];
  [found.succeeded_share, found.failed_share, found.skipped_share] = shares;
  if (!skipped) found.skipped_share = "";
  found.eta = eta === null ? "" : words.about(eta);
  return found;
}

/** A message speaks the server's language, so its titles are those of the page; `steps`: each step's by name, as JSON. */
export function titled(run, title, steps) {
  const step = run.progress?.step; // of a message that can't be shown, which is told elsewhere
  if (!step || !steps) return { ...run, title };
  const own = JSON.parse(steps)[step.name] ?? step.title;
  return { ...run, title, progress: { ...run.progress, step: { ...step, title: own } } };
}

function steps(run, words) {
  const { step } = run.progress;
  if (!step) return {};
  const live = !run.done;
  const now = stepUnderWay(run);
  const figure = (number) => (number == null ? "" : words.number(Math.trunc(number)));
  return {
    alone: step.of === 1 ? run.state : "",
    steps: step.of === 1 ? "" : words.number(step.of),
    step: live ? step.title : "",
    step_number: live ? words.number(step.number) : "",
    step_done: figure(now?.done),
    step_total: figure(now?.total),
    step_percent: now?.percent == null ? "" : words.percentage(now.percent),
    step_eta: now?.eta_seconds == null ? "" : words.about(now.eta_seconds),
  };
}

function times(run, now, words) {
  const found = {};
  const seconds = (from, to) => (from && to ? (to - new Date(from)) / 1000 : null);
  const since = (from) => (from ? words.duration(seconds(from, now)) : "");
  for (const [name, field] of Object.entries(MOMENTS)) {
    found[name] = run[field] ? words.moment(new Date(run[field]), now, { exact: EXACT.has(name) }) : "";
  }
  found.queued_for = since(run.created_at);
  const paused = (run.paused_seconds ?? 0) * 1000; // a server that is about to be replaced says none
  found.running_for = run.started_at ? words.duration(seconds(run.started_at, now - paused)) : "";
  found.silent_for = found.resting_for = since(run.updated_at);
  const took = run.finished_at ? seconds(run.started_at, new Date(run.finished_at) - paused) : null;
  found.took = took >= 1 ? words.duration(took) : "";
  const pace = paceOf(run.progress, took);
  found.speed = pace >= SLOW ? words.speed(pace) : "";
  found.every = pace && pace < SLOW ? words.about(1 / pace) : "";
  if (run.waiting_until) {
    const left = (new Date(run.waiting_until) - now) / 1000;
    found.until_in = words.about(Math.max(0, left));
    found.until_clock = words.clock(left);
  }
  return found;
}

/** Items a second: of late, while it works; over all, once it has ended. Null where that means nothing. */
function paceOf(progress, took) {
  if (progress.step) return null;
  return progress.rate ?? (took ? progress.processed / took : null);
}

function shown(result, words) {
  if (typeof result === "string") return result;
  if (typeof result === "number") return Number.isInteger(result) ? words.number(result) : String(result);
  const plain = (value) => typeof value === "string" || typeof value === "number";
  if (result && typeof result === "object" && !Array.isArray(result) && Object.values(result).every(plain)) {
    return Object.entries(result)
      .map(([name, value]) => `${name}: ${shown(value, words)}`)
      .join(", ");
  }
  return "";
}
