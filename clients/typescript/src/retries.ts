/** Whether a failed request is sent again, and when. */

import { ConnectionFailedError, RateLimitedError, UnavailableError } from "./errors.ts";

const BASE_MS = 500;
const LONGEST_BACKOFF_MS = 8_000;
/** A server that asks for more is asked again after this all the same. */
const LONGEST_RETRY_AFTER_MS = 60_000;

/**
 * How long to wait after `error`, with `retries` already made; null: it is not sent again.
 * Exponential backoff with full jitter.
 *
 * Repeated are 429 and 503, and connections that failed before anything of an answer was received,
 * unless the request is to be sent only `once`. Other statuses would come again, and a generation
 * that timed out would only be started a second time.
 */
export function waitMs(error: unknown, retries: number, once: boolean): number | null {
  if (error instanceof RateLimitedError || error instanceof UnavailableError) {
    if (error.retryAfterMs !== null) return Math.min(error.retryAfterMs, LONGEST_RETRY_AFTER_MS);
  } else if (once || !(error instanceof ConnectionFailedError && error.repeatable)) {
    return null;
  }
  return Math.random() * Math.min(LONGEST_BACKOFF_MS, BASE_MS * 2 ** retries);
}

/** Throws the signal's reason as soon as it is aborted. */
export function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", abort);
    if (signal?.aborted) abort();
  });
}
