/** How long is waited for what, with a fake fetch and a clock that stands still until it is set. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { LaServe, TimedOutError } from "laserve-client";

import { COMPLETION, delta } from "./fake_server.ts";

/** Once whatever is not waiting has been done. */
const settled = () => new Promise(setImmediate);

/** A fetch that answers with these in turn, and how often it was called. */
function fakeFetch(...answers: readonly (() => Response)[]) {
  let calls = 0;
  const fetch: typeof globalThis.fetch = () => {
    calls += 1;
    return Promise.resolve(answers[Math.min(calls, answers.length) - 1]!());
  };
  return { fetch, calls: () => calls };
}

const busy = (headers = {}) => () => Response.json({}, { status: 503, headers });
const answered = () => Response.json(COMPLETION);

for (const [asked, waits] of [["7", 7_000], ["3600", 60_000]] as const) {
  test(`a server that asks for ${asked} s is asked again after ${waits} ms`, async ({ mock }) => {
    mock.timers.enable({ apis: ["setTimeout"] });
    const { fetch, calls } = fakeFetch(busy({ "retry-after": asked }), answered);
    const answer = new LaServe("http://fake", { model: "fake", fetch }).generate("a question");
    await settled();
    mock.timers.tick(waits - 1);
    await settled();
    assert.equal(calls(), 1);
    mock.timers.tick(1);
    assert.equal((await answer).text, "an answer");
  });
}

test("one that does not say is asked again after ever longer", async ({ mock }) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  mock.method(Math, "random", () => 1); // the longest that it may be
  const { fetch, calls } = fakeFetch(busy());
  const client = new LaServe("http://fake", { model: "fake", fetch, maxRetries: 6 });
  const ended = assert.rejects(client.generate("a question"));
  for (const [made, waits] of [500, 1_000, 2_000, 4_000, 8_000, 8_000].entries()) {
    await settled();
    mock.timers.tick(waits - 1);
    await settled();
    assert.equal(calls(), made + 1);
    mock.timers.tick(1);
  }
  await ended;
});

test("a stream may take longer than the timeout, but not be silent as long", async ({ mock }) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  type Controller = ReadableStreamDefaultController<Uint8Array>;
  const { promise, resolve } = Promise.withResolvers<Controller>();
  const fetch: typeof globalThis.fetch = (_, request) => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        request?.signal?.addEventListener("abort", () => controller.error(request.signal?.reason));
        resolve(controller);
      },
    });
    return Promise.resolve(new Response(body));
  };
  const client = new LaServe("http://fake", { model: "fake", fetch, timeoutMs: 1_000 });
  const stream = client.stream("a question");
  for (const text of ["one", "two", "three"]) {
    const next = stream.next();
    const controller = await promise;
    await settled();
    mock.timers.tick(900);
    controller.enqueue(new TextEncoder().encode(delta({ content: text })));
    assert.deepEqual(await next, { done: false, value: { type: "text", text } });
  }
  const next = stream.next();
  await settled();
  mock.timers.tick(1_000);
  await assert.rejects(next, (error: unknown) => {
    assert(error instanceof TimedOutError);
    assert.equal(error.message, "the server took too long (http://fake): nothing came for 1000 ms");
    return true;
  });
});

test("a load is asked after each second, until its time is over", async ({ mock }) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  let now = 0;
  mock.method(performance, "now", () => now);
  const { fetch, calls } = fakeFetch(() => Response.json({ id: "load-1", state: "loading" }));
  const load = new LaServe("http://fake", { fetch }).loadCheckpoint("b", { timeoutMs: 2_000 });
  const ended = assert.rejects(load, (error: unknown) => {
    assert(error instanceof TimedOutError);
    assert.match(error.message, /^load-1 is still loading after 2000 ms; the server goes on with/);
    return true;
  });
  for (const asked of [1, 2]) {
    await settled();
    assert.equal(calls(), asked);
    now += 1_000;
    mock.timers.tick(1_000);
  }
  await ended;
  assert.equal(calls(), 3);
});

test("whoever aborts while told of a load waits no longer", async ({ mock }) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const controller = new AbortController();
  const { signal } = controller;
  const reason = new Error("the user left");
  const onState = () => controller.abort(reason);
  const { fetch } = fakeFetch(() => Response.json({ id: "load-1", state: "queued" }));
  const load = new LaServe("http://fake", { fetch }).loadCheckpoint("b", { onState, signal });
  await assert.rejects(load, (error) => error === reason);
});
