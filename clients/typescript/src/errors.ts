/**
 * Every error that the client throws, but for the reason of a signal that aborted a call:
 *
 *     ClientError
 *     ├── InvalidArgumentError      the call cannot be sent as it is
 *     ├── ConnectionFailedError     no connection, or it broke before the answer was whole
 *     ├── TimedOutError             the server took longer than `timeoutMs`
 *     ├── InvalidResponseError      an answer that is not what the API says
 *     ├── CheckpointRejectedError   a checkpoint that the server does not take up
 *     └── APIError                  the server answered with an error
 *         ├── BadRequestError       400 and every 4xx that is not named here
 *         ├── AuthenticationError   401, 403
 *         ├── NotFoundError         404
 *         ├── RateLimitedError      429
 *         └── ServerError           5xx
 *             └── UnavailableError  503
 */

import type { CheckpointJob } from "./types.ts";

/** Root of the tree. */
export class ClientError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** The call cannot be sent as it is; nothing was sent. */
export class InvalidArgumentError extends ClientError {}

/** There was no connection, or it broke before the answer was whole. */
export class ConnectionFailedError extends ClientError {
  /** Nothing of an answer was received, so that sending the request again repeats nothing seen. */
  readonly repeatable: boolean;

  constructor(message: string, repeatable: boolean, options?: ErrorOptions) {
    super(message, options);
    this.repeatable = repeatable;
  }
}

/** The server took longer than `timeoutMs` to send the next bytes, or to take up a checkpoint. */
export class TimedOutError extends ClientError {}

/** The answer is no JSON, lacks a field, or ended early. */
export class InvalidResponseError extends ClientError {}

/** The server did not take the checkpoint up, and serves on what it served before. */
export class CheckpointRejectedError extends ClientError {
  readonly job: CheckpointJob;
  /** What is wrong with it. */
  readonly reason: string;

  constructor(job: CheckpointJob) {
    const folder = job.path ?? "the checkpoint";
    const what = job.origin === "rollback" ? `the rollback to ${folder}` : folder;
    const reason = job.reason ?? "no reason was given";
    super(`${what} was rejected: ${reason}`);
    this.job = job;
    this.reason = reason;
  }
}

/** What is known of an error beside its message and status. */
export interface ErrorDetails {
  /** Of the error object, such as `BadRequestError`. */
  readonly type: string | null;
  /** The field of the request that was at fault. */
  readonly param: string | null;
  /** How long the server asks to wait. */
  readonly retryAfterMs: number | null;
}

/** The server answered with an error. */
export class APIError extends ClientError implements ErrorDetails {
  readonly status: number;
  readonly type: string | null;
  readonly param: string | null;
  readonly retryAfterMs: number | null;

  constructor(message: string, status: number, details: ErrorDetails) {
    super(`${message} (HTTP ${status})`);
    this.status = status;
    this.type = details.type;
    this.param = details.param;
    this.retryAfterMs = details.retryAfterMs;
  }
}

/** The request is wrong; the message names the field and how to mend it. */
export class BadRequestError extends APIError {}

/** The API key is missing, wrong, or not allowed to do this. */
export class AuthenticationError extends APIError {}

/** No such model or path. */
export class NotFoundError extends APIError {}

/** Too many requests. */
export class RateLimitedError extends APIError {}

/** The server failed. */
export class ServerError extends APIError {}

/** The server cannot answer now. */
export class UnavailableError extends ServerError {}
