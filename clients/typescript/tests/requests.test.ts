/** What is sent, what is sent again, and what is thrown, over real connections. */

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  AuthenticationError,
  BadRequestError,
  ClientError,
  ConnectionFailedError,
  InvalidArgumentError,
  InvalidResponseError,
  LaServe,
  NotFoundError,
  RateLimitedError,
  ServerError,
  TimedOutError,
  UnavailableError,
} from "laserve-client";

import {
  COMPLETION,
  beginning,
  broken,
  fakeServer,
  hangUp,
  json,
  refusal,
  silence,
} from "./fake_server.ts";

const MODEL = { model: "fake" };
const AT_ONCE = { "retry-after": "0" };

/** What a call throws, which is of this class and no other. */
async function thrown<Kind extends ClientError>(
  kind: new (...given: never[]) => Kind,
  call: Promise<unknown>,
): Promise<Kind> {
  const error: unknown = await call.then(
    () => assert.fail("nothing was thrown"),
    (error: unknown) => error,
  );
  assert(error instanceof kind, String(error));
  assert.equal(error.constructor, kind);
  assert.equal(error.name, kind.name);
  return error;
}

test("fields and keys are sent, and the model is asked for once", async () => {
  await using server = await fakeServer(
    json({ data: [{ id: "its-own" }, { id: "an-adapter" }] }),
    json(COMPLETION),
  );
  const client = new LaServe(`${server.url}/v1/`, { apiKey: "sk-1", adminKey: "sk-2" });
  const fields = { max_tokens: 5, seed: undefined };
  await client.generate("a question", fields, { extraBody: { more: 1 } });
  await client.generate([{ role: "user", content: "another" }]);
  assert.deepEqual(
    server.seen.map(({ method, path }) => `${method} ${path}`),
    ["GET /v1/models", "POST /v1/chat/completions", "POST /v1/chat/completions"],
  );
  assert.deepEqual(JSON.parse(server.seen[1]!.body), {
    model: "its-own",
    max_tokens: 5,
    more: 1,
    messages: [{ role: "user", content: "a question" }],
  });
  assert(server.seen.every(({ headers }) => headers.authorization === "Bearer sk-1"));
  assert(server.seen.every(({ headers }) => !("x-laserve-admin-key" in headers)));
});

test("the admin key goes with what is of checkpoints", async () => {
  await using server = await fakeServer(json({ active: {}, data: [] }));
  await new LaServe(server.url, { adminKey: "sk-2" }).checkpoints();
  assert.equal(server.seen[0]?.headers["x-laserve-admin-key"], "sk-2");
});

test("a request is sent again while the server asks for patience", async () => {
  await using server = await fakeServer(
    refusal("busy", 503, AT_ONCE),
    refusal("too many", 429, { "retry-after": new Date(0).toUTCString() }),
    json(COMPLETION),
  );
  const answer = await new LaServe(server.url, MODEL).generate("a question");
  assert.equal(answer.text, "an answer");
  assert.equal(answer.score, 0.9);
  assert(answer.trusted(0.98));
  assert(!answer.trusted(0.99));
  assert.equal(server.seen.length, 3);
});

test("after maxRetries it is told", async () => {
  await using server = await fakeServer(refusal("busy", 503, AT_ONCE));
  const client = new LaServe(server.url, { ...MODEL, maxRetries: 1 });
  const error = await thrown(UnavailableError, client.generate("a question"));
  assert.equal(error.message, "busy (HTTP 503)");
  assert.equal(error.retryAfterMs, 0);
  assert.equal(server.seen.length, 2);
});

test("a connection that broke before the answer is tried again, a change is not", async () => {
  await using server = await fakeServer(hangUp, json(COMPLETION), hangUp);
  const client = new LaServe(server.url, MODEL);
  assert.equal((await client.generate("a question")).text, "an answer");
  await thrown(ConnectionFailedError, client.loadCheckpoint("a-folder"));
  assert.equal(server.seen.length, 3);
});

for (const [status, kind] of [
  [400, BadRequestError],
  [401, AuthenticationError],
  [403, AuthenticationError],
  [404, NotFoundError],
  [413, BadRequestError],
  [429, RateLimitedError],
  [500, ServerError],
  [501, ServerError],
] as const) {
  test(`${status} is ${kind.name}`, async () => {
    await using server = await fakeServer(refusal("because", status));
    const client = new LaServe(server.url, { ...MODEL, maxRetries: 0 });
    const error = await thrown(kind, client.generate("a question"));
    assert.equal(error.message, `because (HTTP ${status})`);
    assert.deepEqual([error.status, error.type, error.param], [status, "TheType", "the_field"]);
  });
}

test("an error of a proxy is shown as it is", async () => {
  await using server = await fakeServer(json("<html>Bad Gateway</html>", 502));
  const error = await thrown(ServerError, new LaServe(server.url, MODEL).generate("a question"));
  assert.equal(error.message, "<html>Bad Gateway</html> (HTTP 502)");
});

test("answers that are not of the API are told from it", async () => {
  await using server = await fakeServer(
    json("<html>"),
    json([]),
    json({ choices: [] }),
    json({ model: "fake", choices: [] }),
    json({ model: "fake", choices: [{}] }),
  );
  const client = new LaServe(server.url, MODEL);
  for (const told of [
    "the answer is no JSON: <html>",
    "the answer is no JSON object: []",
    "the answer is not what the API says: it has no 'model'",
    "the answer has no choice",
    "the answer is not what the API says: it has no 'message'",
  ]) {
    const { message } = await thrown(InvalidResponseError, client.generate("a question"));
    assert.equal(message, told);
  }
  await using other = await fakeServer(json({ object: "list" }));
  const asked = new LaServe(other.url).generate("a question");
  assert.match((await thrown(InvalidResponseError, asked)).message, /it has no 'data'/);
});

test("a server that is not there is named by its address", async () => {
  const server = await fakeServer();
  await server[Symbol.asyncDispose]();
  const client = new LaServe(server.url, { ...MODEL, maxRetries: 0 });
  const error = await thrown(ConnectionFailedError, client.generate("a question"));
  assert(error.message.startsWith(`the connection failed (${server.url}): `));
  assert.match(error.message, /ECONNREFUSED/);
});

test("a server that says nothing is not waited for longer than asked", async () => {
  await using server = await fakeServer(silence);
  const client = new LaServe(server.url, { ...MODEL, timeoutMs: 50 });
  const error = await thrown(TimedOutError, client.generate("a question"));
  assert.equal(error.message, `the server took too long (${server.url}): nothing came for 50 ms`);
  assert.equal(server.seen.length, 1);
});

test("a stream that breaks in the middle is not sent again", async () => {
  await using server = await fakeServer(broken(beginning("one")));
  const call = Array.fromAsync(new LaServe(server.url, MODEL).stream("a question"));
  const error = await thrown(ConnectionFailedError, call);
  assert(error.message.startsWith(`the connection failed (${server.url}): `));
  assert.equal(error.repeatable, false);
  assert.equal(server.seen.length, 1);
});

test("an error that breaks in the middle is not asked for again", async () => {
  await using server = await fakeServer(broken('{"error": ', 503));
  await thrown(ConnectionFailedError, new LaServe(server.url, MODEL).generate("a question"));
  assert.equal(server.seen.length, 1);
});

test("an aborted stream throws the reason of its signal", async () => {
  await using server = await fakeServer((response) => response.write(beginning("one")));
  const controller = new AbortController();
  const { signal } = controller;
  const reason = new Error("the user left");
  const stream = new LaServe(server.url, MODEL).stream("a question", {}, { signal });
  assert.deepEqual((await stream.next()).value, { type: "text", text: "one" });
  controller.abort(reason);
  await assert.rejects(stream.next(), (error) => error === reason);
});

test("an aborted call throws the reason of its signal, whatever it waits for", async () => {
  const reason = new Error("the user left");
  const patience = refusal("later", 503, { "retry-after": "60" });
  for (const reply of [silence, patience]) {
    const controller = new AbortController();
    await using server = await fakeServer((response) => {
      reply(response);
      setTimeout(() => controller.abort(reason), 20);
    });
    const { signal } = controller;
    const call = new LaServe(server.url, MODEL).generate("a question", {}, { signal });
    await assert.rejects(call, (error) => error === reason);
    assert.equal(server.seen.length, 1);
  }
  const client = new LaServe("http://127.0.0.1:1", MODEL);
  await assert.rejects(
    client.generate("a question", {}, { signal: AbortSignal.abort(reason) }),
    (error) => error === reason,
  );
});

test("whoever leaves a stream ends its request", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  await using server = await fakeServer((response) => {
    response.on("close", resolve);
    response.write(beginning("one", "two"));
  });
  for await (const event of new LaServe(server.url, MODEL).stream("a question")) {
    assert.deepEqual(event, { type: "text", text: "one" });
    break;
  }
  await promise;
});

test("an address or a key that cannot be sent is refused at once", () => {
  for (const url of ["", "localhost:8000", "ftp://host", "http://"]) {
    assert.throws(() => new LaServe(url), /is no address of a server: give one such as http:/);
  }
  assert.throws(() => new LaServe("http://user:word@host"), /a user or a password/);
  assert.throws(() => new LaServe("http://host", { apiKey: "a\nb" }), /apiKey holds a line break/);
  assert.throws(() => new LaServe("http://host", { adminKey: "\u00fc" }), InvalidArgumentError);
});

test("a mistyped field that no type has seen is refused with the one that was meant", async () => {
  const client = new LaServe("http://127.0.0.1:1", MODEL);
  const unchecked = (name: string) => ({ [name]: 1 }) as object;
  for (const [call, told] of [
    [() => client.generate("", unchecked("temprature")), "Did you mean 'temperature'?"],
    [() => client.generate("", unchecked("maxTokens")), "Did you mean 'max_tokens'?"],
    [() => client.select("", unchecked("n_maxx")), "Did you mean 'n_max'?"],
    [() => client.score("", "", unchecked("tool")), "Did you mean 'tools'?"],
    [() => client.rerank("", [], unchecked("top_k")), "Did you mean 'top_n'?"],
    [() => client.generate("", unchecked("xyzzy")), "goes into extraBody"],
    [() => client.generate("", unchecked("n_max")), "is an option of a selection: call select()"],
    [() => client.generate("", unchecked("stream")), "'stream' cannot be given here: call"],
    [() => client.select("", unchecked("selection")), "cannot be given here: call select()"],
    [() => client.generate("", {}, { extraBody: { n: 2 } }), "'n' cannot be given here: select()"],
  ] as const) {
    const { message } = await thrown(InvalidArgumentError, call());
    assert(message.includes(told), message);
  }
  const options = Array.fromAsync(client.stream("", { selection: unchecked("methods") }));
  const { message } = await thrown(InvalidArgumentError, options);
  assert.equal(message, "'methods' is no option of a selection. Did you mean 'method'?");
});

test("what JSON cannot hold is refused, and not sent as null", async () => {
  const client = new LaServe("http://127.0.0.1:1", MODEL);
  const { message } = await thrown(
    InvalidArgumentError,
    client.generate("", { temperature: Number.NaN }),
  );
  assert.equal(message, "the request cannot be written as JSON: 'temperature' is NaN");
});
