/** A load of a checkpoint, followed to its end. No input or output here. */

import { CheckpointRejectedError, TimedOutError } from "./errors.ts";
import type { CheckpointJob, LoadOptions } from "./types.ts";

const AN_HOUR_MS = 3_600_000;

/** Takes the answers about one load; tells when there is nothing more to ask. */
export class Follower {
  readonly #options: LoadOptions;
  readonly #timeoutMs: number;
  readonly #deadline: number;
  #state: string | null = null;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#timeoutMs = options.timeoutMs ?? AN_HOUR_MS;
    this.#deadline = performance.now() + this.#timeoutMs;
  }

  /**
   * Whether `job`, the newest answer, is the last. Throws CheckpointRejectedError where the end was
   * waited for and is a rejection, TimedOutError.
   */
  isDone(job: CheckpointJob): boolean {
    if (job.state !== this.#state) {
      this.#state = job.state;
      this.#options.onState?.(job);
    }
    if (this.#options.wait === false) return true;
    if (job.state === "rejected") throw new CheckpointRejectedError(job);
    if (job.state === "active") return true;
    if (performance.now() >= this.#deadline) {
      throw new TimedOutError(
        `${job.id} is still ${job.state} after ${this.#timeoutMs} ms; the server goes on with ` +
          "it, and its list of checkpoints tells how it ends",
      );
    }
    return false;
  }
}
