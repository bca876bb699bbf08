/** One request and its answer, and the translation of whatever fetch throws. */

import { ClientError, ConnectionFailedError, TimedOutError } from "./errors.ts";

/** Codes of the timeouts that node's own fetch has, 300 s of silence among them. */
const TIMEOUTS = ["UND_ERR_CONNECT_TIMEOUT", "UND_ERR_HEADERS_TIMEOUT", "UND_ERR_BODY_TIMEOUT"];

export class Exchange {
  readonly #origin: string;
  readonly #timeoutMs: number;
  readonly #callers: AbortSignal | undefined;
  readonly #silence = new AbortController();
  readonly #signal: AbortSignal;
  #answered = false;

  constructor(origin: string, timeoutMs: number, signal: AbortSignal | undefined) {
    this.#origin = origin;
    this.#timeoutMs = timeoutMs;
    this.#callers = signal;
    const own = this.#silence.signal;
    this.#signal = signal === undefined ? own : AbortSignal.any([own, signal]);
  }

  /** The answer, its body not read yet. Throws ConnectionFailedError, TimedOutError. */
  async send(fetcher: typeof fetch, url: string, request: RequestInit): Promise<Response> {
    const response = await this.#awaited(() => fetcher(url, { ...request, signal: this.#signal }));
    this.#answered = true;
    return response;
  }

  /** The body as it comes. Throws likewise. */
  async *bytes(response: Response): AsyncGenerator<Uint8Array, void, void> {
    const reader = response.body?.getReader();
    if (reader === undefined) return;
    try {
      for (;;) {
        const { value, done } = await this.#awaited(() => reader.read());
        if (done) return;
        yield value;
      }
    } finally {
      await reader.cancel().catch(() => {}); // of what broke there is nothing to cancel
    }
  }

  /** The whole body. Throws likewise. */
  async text(response: Response): Promise<string> {
    const decoder = new TextDecoder();
    let text = "";
    for await (const bytes of this.bytes(response)) text += decoder.decode(bytes, { stream: true });
    return text + decoder.decode();
  }

  /** Whatever waits for the server, for `timeoutMs` at most. */
  async #awaited<Result>(work: () => Promise<Result>): Promise<Result> {
    const timer = setTimeout(() => this.#silence.abort(), this.#timeoutMs);
    try {
      return await work();
    } catch (error) {
      // An aborted call throws its signal's reason, as fetch does.
      throw this.#callers?.aborted ? this.#callers.reason : this.#translated(error);
    } finally {
      clearTimeout(timer);
    }
  }

  #translated(error: unknown): ClientError {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
    if (this.#silence.signal.aborted) {
      return new TimedOutError(
        `the server took too long (${this.#origin}): nothing came for ${this.#timeoutMs} ms`,
      );
    }
    const said = cause instanceof Error ? cause.message || code || cause.name : String(cause);
    if (TIMEOUTS.includes(code)) {
      return new TimedOutError(`the server took too long (${this.#origin}): ${said}`, {
        cause: error,
      });
    }
    return new ConnectionFailedError(
      `the connection failed (${this.#origin}): ${said}`,
      !this.#answered,
      { cause: error },
    );
  }
}
