// The types of follow.js, and of a run as the API tells it. A server that is newer may tell more.

/** How far a run is. Counts add up: processed = succeeded + failed + skipped. */
export interface Progress {
  /** Null while nobody has counted them. */
  total: number | null;
  total_exact: boolean;
  processed: number;
  succeeded: number;
  failed: number;
  skipped: number;
  /** Items that wait for another attempt; not yet processed. */
  retrying: number;
  /** Rounded down; 100 only when the run is done; null while the total is unknown. */
  percent: number | null;
  /** Items a second, of late. */
  rate: number | null;
  /** Null until it means something. */
  eta_seconds: number | null;
  /** All items have ended; the operation's `on_finish` has not. */
  finishing: boolean;
  /** The step that is under way or comes next; null: the run has items. */
  step: Step | null;
}

/** A step of a run that has steps in place of items. */
export interface Step {
  name: string;
  title: string;
  number: number;
  of: number;
  under_way: boolean;
  done: number | null;
  total: number | null;
  percent: number | null;
  eta_seconds: number | null;
}

/** Addresses, without a host: they hold behind any proxy. */
export interface RunLinks {
  self: string;
  events: string;
  wait: string;
  socket: string;
  items: string;
  failures: string;
  /** Where the operation keeps results. */
  results?: string;
  /** Where the items have written a file, once the run has ended. */
  file?: string;
}

/** Others may come: decide by `done`. */
export type State =
  | "queued" | "running" | "pausing" | "paused" | "cancelling"
  | "succeeded" | "partial" | "failed" | "cancelled"
  | (string & {});

/** A run, as it is at one moment. */
export interface Run {
  id: string;
  operation: string;
  title: string;
  state: State;
  /** Whether it has ended; then nothing of it changes any more. */
  done: boolean;
  progress: Progress;
  message: string;
  /** Why it paused, stopped or waits. */
  reason: { code: string; text: string } | null;
  /** Its worker has fallen silent; another takes it over. */
  stalled: boolean;
  resumes: number;
  hooks_failed: number;
  params: Record<string, unknown>;
  result: unknown;
  failure_summary: { code: string; count: number }[];
  /** RFC 3339, as all moments. */
  created_at: string;
  started_at: string | null;
  updated_at: string;
  finished_at: string | null;
  paused_seconds: number;
  waiting_until: string | null;
  /** What may be asked of it: pause, resume, cancel, retry. */
  actions: string[];
  dry_run: boolean;
  /** The run that it retries. */
  retry_of: string | null;
  /** The run that retries it; an ended run may still get one. */
  retried_by: string | null;
  /** Grows with every change. */
  revision: number;
  links: RunLinks;
}

/** How the connection is. */
export interface Connection {
  /** "lost": two seconds without an answer, and it goes on trying. */
  state: "live" | "lost";
  /** When it tries next: milliseconds since 1970. Of "lost". */
  retryAt?: number;
}

export interface FollowOptions {
  /** Ends the loop, which then throws the signal's reason. */
  signal?: AbortSignal;
  /** Headers of each request, such as Authorization. A session's cookie is sent without. */
  headers?: Record<string, string>;
  /** The address of the stream of all the caller's runs (`/api/events/`): whoever names the same shares it. */
  events?: string;
  /** Whether to rest while the page is out of sight. False unless given. */
  restsWhenHidden?: boolean;
  /** Hears how the connection is, again and again. */
  onConnection?: (connection: Connection) => void;
}

/** The run each time that it has changed: each revision at most once, the last one always, and then it ends. */
export interface Following extends AsyncIterable<Run> {
  /** Take what somebody else has told of the run, such as the answer to a POST. */
  hear(run: Run): void;
  /** Ask at once, instead of when it is time again. */
  now(): void;
}

/**
 * Follow a run to its end. `run` is its address in the API (absolute where there is no page), or the run itself, which
 * then comes first. The loop throws Refused, or the reason of `signal`.
 */
export function follow(run: string | URL | Run, options?: FollowOptions): Following;

/** The server doesn't let this caller follow the run. */
export class Refused extends Error {
  /** "signed-out" (401), "gone" (404: there is no such run, or it isn't yours) or "refused" (403). */
  readonly code: "signed-out" | "gone" | "refused";
  constructor(code: "signed-out" | "gone" | "refused", why: string);
}
