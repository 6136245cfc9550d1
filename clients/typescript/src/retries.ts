import { type MoodfeedError, NoStoreError, ThrottledError, UnavailableError } from "./errors.js";

/**
 * When a failed call is made again. The gateway says how long to wait when it refuses a call. Where it says nothing, the
 * waits are random, around firstWaitMs doubled with each attempt, up to longestWaitMs.
 */
export interface Retries {
  /** The most attempts of one call, all within its deadline. */
  attempts: number;
  firstWaitMs: number;
  longestWaitMs: number;
}

export const DEFAULT_RETRIES: Retries = { attempts: 5, firstWaitMs: 100, longestWaitMs: 2_000 };
/** Each call is made once. */
export const NO_RETRIES: Retries = { ...DEFAULT_RETRIES, attempts: 1 };

/**
 * How long to wait after an attempt, the first being 1; undefined if there is to be no other. mayRepeat says whether the
 * call may be made again even if it may have taken effect.
 */
export function waitMs(
  retries: Retries,
  error: MoodfeedError,
  { attempt, msLeft, mayRepeat }: { attempt: number; msLeft: number; mayRepeat: boolean },
): number | undefined {
  if (attempt >= retries.attempts) return undefined;
  const asked = error.retryAfterMs;
  let wait: number;
  if (asked === undefined) {
    if (!(error instanceof UnavailableError) || error instanceof NoStoreError || !mayRepeat) return undefined;
    wait = Math.min(retries.firstWaitMs * 2 ** (attempt - 1), retries.longestWaitMs) * (0.5 + Math.random());
  } else {
    if (asked < 0 || !(error instanceof ThrottledError || error instanceof UnavailableError)) return undefined;
    wait = asked;
  }
  return wait < msLeft ? wait : undefined;
}
