/** The client against a real server that loads checkpoints: it serves `a`, `b` lies beside it. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { BadRequestError, CheckpointRejectedError, LaServe } from "laserve-client";

import { URL_OF_SERVER } from "./served.ts";

const client = new LaServe(URL_OF_SERVER);

test("a checkpoint is loaded, listed and rolled back", async () => {
  const states: string[] = [];
  const before = await client.checkpoints();
  assert.equal(before.active.checkpoint, "tiny-a");
  const job = await client.loadCheckpoint("b", {
    strategy: "in_place",
    onState: ({ state }) => states.push(state),
  });
  assert.deepEqual([job.state, job.checkpoint, job.strategy], ["active", "tiny-b", "in_place"]);
  assert.equal(states.at(-1), "active");
  assert.equal(new Set(states).size, states.length);
  const { active, data } = await client.checkpoints();
  assert.deepEqual([active.checkpoint, active.version], ["tiny-b", job.version]);
  assert.equal(data[0]?.id, job.id);

  const begun = await client.rollBack({ wait: false });
  assert.equal(begun.origin, "rollback");
  await assert.doesNotReject(async () => {
    while ((await client.checkpoints()).active.checkpoint !== "tiny-a") {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  });
});

test("a folder that is none is refused at once", async () => {
  await assert.rejects(client.loadCheckpoint("nothing"), BadRequestError);
});

test("a checkpoint that is not taken up is told with the reason", async () => {
  await assert.rejects(client.loadCheckpoint("candidate"), (error: unknown) => {
    assert(error instanceof CheckpointRejectedError);
    assert.equal(error.job.state, "rejected");
    assert.match(error.message, /candidate was rejected: .*laserve\.json/);
    return true;
  });
  assert.equal((await client.checkpoints()).active.checkpoint, "tiny-a");
});
