/** The client against a real server that asks for keys. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { AuthenticationError, LaServe, ServerError } from "laserve-client";

import { ADMIN_KEY, API_KEY, URL_OF_SERVER } from "./served.ts";

test("with its key a client is answered", async () => {
  const client = new LaServe(URL_OF_SERVER, { apiKey: API_KEY });
  const answer = await client.generate("What is 12 + 7?", { max_tokens: 5, seed: 1 });
  assert.equal(answer.self_reward?.status, "truncated");
  assert.equal(answer.score, null);
});

for (const [what, apiKey] of [["no key", undefined], ["a wrong key", "sk-wrong"]] as const) {
  test(`with ${what} it is told what is missing`, async () => {
    const client = new LaServe(URL_OF_SERVER, { apiKey });
    for (const call of [() => client.generate("a question"), () => client.checkpoints()]) {
      await assert.rejects(call, (error: unknown) => {
        assert(error instanceof AuthenticationError);
        assert.equal(error.status, 401);
        assert.match(error.message, /no valid API key/);
        return true;
      });
    }
  });
}

test("without the admin key no checkpoint is loaded", async () => {
  const client = new LaServe(URL_OF_SERVER, { apiKey: API_KEY });
  await assert.rejects(client.loadCheckpoint("anywhere"), (error: unknown) => {
    assert(error instanceof AuthenticationError);
    assert.equal(error.status, 403);
    return true;
  });
});

test("with the admin key it is told that this server loads none", async () => {
  const client = new LaServe(URL_OF_SERVER, { apiKey: API_KEY, adminKey: ADMIN_KEY });
  await assert.rejects(client.loadCheckpoint("anywhere"), (error: unknown) => {
    assert(error instanceof ServerError);
    assert.equal(error.status, 501);
    return true;
  });
});
