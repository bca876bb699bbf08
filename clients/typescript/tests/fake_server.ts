/** A server that answers as it is told, over real connections. */

import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** One request, as it came. */
export interface Seen {
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface FakeServer extends AsyncDisposable {
  readonly url: string;
  readonly seen: Seen[];
}

type Reply = (response: ServerResponse) => void;

/** Answers the requests in turn; the last reply answers all that follow. */
export async function fakeServer(...replies: readonly Reply[]): Promise<FakeServer> {
  const seen: Seen[] = [];
  const server = createServer(async (request, response) => {
    const { method, url, headers } = request;
    seen.push({ method, path: url, headers, body: await text(request) });
    replies[Math.min(seen.length, replies.length) - 1]?.(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Reply {
  return (response) => {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  };
}

export function refusal(message: string, status: number, headers = {}): Reply {
  const error = { message, type: "TheType", param: "the_field", code: status };
  return json({ error }, status, headers);
}

/** Ends the connection without an answer. */
export const hangUp: Reply = (response) => response.destroy();

/** Never answers. */
export const silence: Reply = () => {};

/** Sends this, and then ends the connection in the middle of the answer. */
export function broken(start: string, status = 200): Reply {
  return (response) => {
    response.writeHead(status);
    response.write(start, () => setImmediate(() => response.destroy()));
  };
}

export const REWARD = { score: 0.9, logprob: -5, confidence: 0.98, status: "scored", method: null };

export const COMPLETION = {
  model: "fake",
  choices: [
    {
      index: 0,
      message: { role: "assistant", content: "an answer" },
      finish_reason: "stop",
      self_reward: REWARD,
    },
  ],
  usage: { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 },
};

function chunk(choices: readonly unknown[], more = {}): string {
  return `data: ${JSON.stringify({ model: "fake", choices, ...more })}\n\n`;
}

/** An event with more of the message. */
export function delta(of: object): string {
  return chunk([{ index: 0, delta: of }]);
}

/** The events that begin a stream whose text comes in these pieces. */
export function beginning(...pieces: readonly string[]): string {
  const comment = ": keeps the connection alive\n\n";
  const texts = pieces.map((content) => delta({ content }));
  return [delta({ role: "assistant", content: "" }), comment, ...texts].join("");
}

/** All events of such a stream. */
export function events(...pieces: readonly string[]): string {
  return [
    beginning(...pieces),
    chunk([{ index: 0, delta: {}, finish_reason: "stop", self_reward: REWARD }]),
    chunk([], { usage: COMPLETION.usage }),
    "data: [DONE]\n\n",
  ].join("");
}
