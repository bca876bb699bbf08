/** The server that the page came from. Keys are kept here, and nowhere else. */

import { events } from "./sse.js";

/** What the server refused, in its own words. */
export class ServerError extends Error {
  /**
   * @param {number} status
   * @param {string} message
   */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export class Server {
  /** @param {() => Promise<string | null>} askForKey asks the person; null where there is none */
  constructor(askForKey) {
    this.key = "";
    this.adminKey = "";
    this.askForKey = askForKey;
  }

  /**
   * The JSON that a route answers. Throws ServerError.
   * @param {string} path
   * @param {{ method?: string, body?: object }} [request]
   * @returns {Promise<any>}
   */
  async json(path, request = {}) {
    return (await this.#fetch(path, request)).json();
  }

  /**
   * The events of a stream. Throws ServerError, also where the stream ends with one.
   * @param {string} path
   * @param {object} body
   * @param {AbortSignal} signal
   * @returns {AsyncGenerator<any, void, void>}
   */
  async *stream(path, body, signal) {
    const response = await this.#fetch(path, { method: "POST", body, signal });
    if (response.body === null) throw new ServerError(response.status, "an answer without a body");
    for await (const event of events(response.body)) {
      if (event.error) throw new ServerError(event.error.code ?? 500, event.error.message);
      yield event;
    }
  }

  /**
   * @param {string} path relative to the page, which may lie behind a prefix
   * @param {{ method?: string, body?: object, signal?: AbortSignal }} request
   * @returns {Promise<Response>}
   */
  async #fetch(path, { method = "GET", body, signal }) {
    for (;;) {
      /** @type {Record<string, string>} */
      const headers = {};
      if (this.key) headers.authorization = `Bearer ${this.key}`;
      if (this.adminKey) headers["x-laserve-admin-key"] = this.adminKey;
      if (body) headers["content-type"] = "application/json";
      const response = await fetch(path, {
        method,
        headers,
        body: body && JSON.stringify(body),
        signal,
        credentials: "omit",
      });
      if (response.ok) return response;
      const { error } = await response.json().catch(() => ({ error: null }));
      const message = error?.message ?? `the server answered ${response.status}`;
      if (response.status !== 401) throw new ServerError(response.status, message);
      const key = await this.askForKey();
      if (key === null) throw new ServerError(401, message);
      this.key = key;
    }
  }
}
