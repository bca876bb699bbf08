/** From the text of a response to its JSON, or to an error that says what is wrong with it. */

import {
  APIError,
  AuthenticationError,
  BadRequestError,
  InvalidResponseError,
  NotFoundError,
  RateLimitedError,
  ServerError,
  UnavailableError,
} from "./errors.ts";

const SHOWN_CHARACTERS = 200;

/** A JSON object that has these fields. Throws InvalidResponseError. */
export function decode<Body extends object>(
  content: string,
  ...required: readonly (keyof Body & string)[]
): Body {
  const body = parsed(content);
  if (body === undefined) {
    throw new InvalidResponseError(`the answer is no JSON: ${shown(content)}`);
  }
  if (!isObject(body)) {
    throw new InvalidResponseError(`the answer is no JSON object: ${shown(content)}`);
  }
  return having(body as Body, required);
}

/** `body`, if it has these fields. Throws InvalidResponseError. */
export function having<Body extends object>(
  body: Body,
  required: readonly (keyof Body & string)[],
): Body {
  const missing = required.find((name) => body[name] === undefined);
  if (missing !== undefined) {
    throw new InvalidResponseError(`the answer is not what the API says: it has no '${missing}'`);
  }
  return body;
}

/** The error of a response whose status is not 2xx, whatever its body is. */
export function apiError(response: Response, content: string): APIError {
  const body = parsed(content);
  const details = isObject(body) ? body["error"] : undefined;
  const wait = retryAfterMs(response.headers.get("retry-after"), Date.now());
  if (isObject(details)) return errorOf(response.status, details, wait);
  const text = typeof details === "string" ? details : shown(content);
  return errorOf(response.status, { message: text || response.statusText }, wait);
}

/** The error that OpenAI's error object `details` stands for. */
export function errorOf(
  status: number,
  details: Readonly<Record<string, unknown>>,
  retryAfterMs: number | null,
): APIError {
  const text = (name: string) => (details[name] == null ? null : String(details[name]));
  const message = text("message") || "the server gave no reason";
  return new (kindOf(status))(message, status, {
    type: text("type"),
    param: text("param"),
    retryAfterMs,
  });
}

/** A Retry-After header in milliseconds from `now`: a number or an HTTP date (RFC 9110, 10.2.3). */
export function retryAfterMs(value: string | null, now: number): number | null {
  if (value === null) return null;
  if (/^\d{1,9}(\.\d+)?$/.test(value.trim())) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function kindOf(status: number): typeof APIError {
  if (status === 401 || status === 403) return AuthenticationError;
  if (status === 404) return NotFoundError;
  if (status === 429) return RateLimitedError;
  if (status === 503) return UnavailableError;
  if (status >= 500) return ServerError;
  return status >= 400 ? BadRequestError : APIError;
}

function parsed(content: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    return undefined;
  }
}

function shown(content: string): string {
  const text = content.trim();
  return text.length <= SHOWN_CHARACTERS ? text : `${text.slice(0, SHOWN_CHARACTERS)}...`;
}
