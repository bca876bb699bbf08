/** The server that a client asks: its address, keys, and when it is asked again. */

import { InvalidArgumentError } from "./errors.ts";
import { Exchange } from "./exchange.ts";
import { written } from "./fields.ts";
import { apiError, decode } from "./responses.ts";
import { sleep, waitMs } from "./retries.ts";

export const CHECKPOINTS = "/v1/checkpoints";

/** What a client is made with, beside the server's address. */
export interface ClientOptions {
  /** What calls ask unless they name another; else the first one that the server names. */
  readonly model?: string | undefined;
  readonly apiKey?: string | undefined;
  /** Goes with what changes the checkpoint that is served. */
  readonly adminKey?: string | undefined;
  /**
   * How long to wait for the next bytes, which for an answer that is not streamed come when it is
   * finished. Five minutes by default, after which node's own fetch gives up, too.
   */
  readonly timeoutMs?: number | undefined;
  /** How often a request is sent again that was not answered. Twice by default. */
  readonly maxRetries?: number | undefined;
  /** In place of the global one: for a proxy, certificates, longer timeouts. */
  readonly fetch?: typeof fetch | undefined;
}

/** One request. */
export interface Asked {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: Readonly<Record<string, unknown>> | undefined;
  /** Not to be sent again where it may have arrived, since twice is not the same as once. */
  readonly once?: boolean;
  readonly signal?: AbortSignal | undefined;
}

export class Server {
  readonly #root: string;
  readonly #origin: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #adminHeaders: Readonly<Record<string, string>>;
  readonly #timeoutMs: number;
  readonly #maxRetries: number;
  readonly #fetch: typeof fetch;

  /** Throws InvalidArgumentError. */
  constructor(baseUrl: string, options: ClientOptions) {
    this.#root = baseUrl.replace(/\/+$/, "").replace(/\/v1$/, "");
    this.#origin = originOf(baseUrl, this.#root);
    this.#headers = headerOf("authorization", "Bearer ", "apiKey", options.apiKey);
    this.#adminHeaders = headerOf("x-laserve-admin-key", "", "adminKey", options.adminKey);
    this.#timeoutMs = options.timeoutMs ?? 300_000;
    this.#maxRetries = options.maxRetries ?? 2;
    this.#fetch = options.fetch ?? fetch;
  }

  /** The JSON of the answer, which has the fields that are required. Throws ClientError. */
  async json<Body extends object>(
    asked: Asked,
    ...required: readonly (keyof Body & string)[]
  ): Promise<Body> {
    const { exchange, response } = await this.#open(asked);
    return decode<Body>(await exchange.text(response), ...required);
  }

  /** The body of the answer as it comes. Throws ClientError. */
  async *bytes(asked: Asked): AsyncGenerator<Uint8Array, void, void> {
    const { exchange, response } = await this.#open(asked);
    yield* exchange.bytes(response);
  }

  /** A response of status 2xx whose body is not read yet. */
  async #open(asked: Asked): Promise<{ exchange: Exchange; response: Response }> {
    const request: RequestInit = {
      method: asked.method,
      headers: {
        ...this.#headers,
        ...(asked.path.startsWith(CHECKPOINTS) && this.#adminHeaders),
        ...(asked.body && { "content-type": "application/json" }),
      },
      body: asked.body === undefined ? null : written(asked.body),
    };
    for (let retries = 0; ; retries += 1) {
      try {
        return await this.#try(asked, request);
      } catch (error) {
        const ms = retries < this.#maxRetries ? waitMs(error, retries, asked.once ?? false) : null;
        if (ms === null) throw error;
        await sleep(ms, asked.signal);
      }
    }
  }

  async #try(
    asked: Asked,
    request: RequestInit,
  ): Promise<{ exchange: Exchange; response: Response }> {
    const exchange = new Exchange(this.#origin, this.#timeoutMs, asked.signal);
    const response = await exchange.send(this.#fetch, `${this.#root}${asked.path}`, request);
    if (response.ok) return { exchange, response };
    throw apiError(response, await exchange.text(response));
  }
}

/** For messages: the address without what may be a secret of it. */
function originOf(baseUrl: string, root: string): string {
  const url = URL.canParse(root) ? new URL(root) : undefined;
  if (url === undefined || !["http:", "https:"].includes(url.protocol) || url.host === "") {
    throw new InvalidArgumentError(
      `baseUrl '${baseUrl}' is no address of a server: give one such as http://127.0.0.1:8000`,
    );
  }
  if (url.username !== "" || url.password !== "") {
    throw new InvalidArgumentError("baseUrl holds a user or a password, which fetch does not send");
  }
  return url.origin;
}

function headerOf(
  name: string,
  scheme: string,
  option: string,
  key: string | undefined,
): Record<string, string> {
  if (key === undefined || key === "") return {};
  if (!/^[\x20-\x7e]+$/.test(key)) {
    throw new InvalidArgumentError(
      `${option} holds a line break or a character that is not ASCII: no header can carry it`,
    );
  }
  return { [name]: `${scheme}${key}` };
}
