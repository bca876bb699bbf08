/** The client against a real server with the demo checkpoint. */

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  BadRequestError,
  LaServe,
  NotFoundError,
  Selected,
  type Answer,
  type SelectionProgress,
  type StreamEvent,
} from "laserve-client";
import type {} from "laserve-client/openai";
import OpenAI from "openai";

import { URL_OF_SERVER } from "./served.ts";

const QUESTION = "2,6,6>2";
const WRONG = "6-2=4;4-6=8#8";
const RIGHT = "6-6=0;0+2=2#2";
/** Of a score: two ways of batching the same float32 sums, and the transport's 0.0005 nats. */
const TOLERANCE = 1e-3;

const client = new LaServe(URL_OF_SERVER);

function assertClose(one: number | null | undefined, other: number | null | undefined): void {
  assert(typeof one === "number" && typeof other === "number", `${one}, ${other}`);
  assert(Math.abs(one - other) <= TOLERANCE, `${one} is not ${other}`);
}

function endOf(read: readonly StreamEvent[]): Answer {
  const last = read.at(-1);
  assert(last?.type === "finished");
  return last.answer;
}

function progressOf(read: readonly StreamEvent[]): SelectionProgress[] {
  return read.flatMap((event) => (event.type === "progress" ? [event.progress] : []));
}

test("the answer is the one that the official client gets", async () => {
  const answer = await client.generate(QUESTION, { seed: 7 });
  const official = await new OpenAI({
    baseURL: `${URL_OF_SERVER}/v1`,
    apiKey: "none",
  }).chat.completions.create({
    model: await client.modelName(),
    messages: [{ role: "user", content: QUESTION }],
    seed: 7,
  });
  const [choice] = official.choices;
  assert.equal(answer.text, choice?.message.content);
  assert.equal(answer.self_reward?.status, "scored");
  assertClose(answer.score, choice?.self_reward?.score);
  assert.equal(answer.model, official.model);
  assert.equal(answer.finish_reason, "stop");
  assert.equal(answer.usage?.total_tokens, official.usage?.total_tokens);
});

test("self_reward: false asks for no score", async () => {
  const answer = await client.generate(QUESTION, { self_reward: false, seed: 7 });
  assert.deepEqual([answer.self_reward, answer.score, answer.confidence], [null, null, null]);
  assert(!answer.trusted(0));
});

test("best_of_n is the candidate with the highest score", async () => {
  const answer = await client.select(QUESTION, {
    method: "best_of_n",
    n_max: 8,
    return_candidates: true,
    seed: 7,
  });
  const { candidates, method, selected_index: index, completion_tokens } = answer.selection;
  const scores = (candidates ?? []).map(({ self_reward }) => self_reward?.score ?? -Infinity);
  assert.equal(method, "best_of_n");
  assert.equal(scores.length, 8);
  assert.equal(answer.score, Math.max(...scores));
  assert.equal(answer.text, candidates?.find((candidate) => candidate.index === index)?.text);
  assert.equal(answer.usage?.completion_tokens, completion_tokens);
});

test("a weighted majority is the answer with the largest sum of weights", async () => {
  const answer = await client.select(QUESTION, { n_max: 8, adaptive: false, seed: 7 });
  const { votes, method, samples_used } = answer.selection;
  assert.equal(method, "weighted_majority");
  assert.equal(samples_used, 8);
  assert.equal(answer.text, votes[0]?.answer);
  assert.equal(votes[0]?.weight, Math.max(...votes.map(({ weight }) => weight ?? -Infinity)));
});

test("max_risk bounds the risk by the checkpoint's judged samples, if it keeps any", async () => {
  const asked = client.select(QUESTION, { n_max: 1, max_risk: 0.2, escalate: false, seed: 7 });
  const answer = await asked.catch((error: unknown) => {
    assert(error instanceof BadRequestError);
    assert.equal(error.param, "selection.max_risk");
    assert.match(error.message, /has none/);
  });
  if (answer === undefined) return;
  const { risk, score } = answer.selection;
  assert(risk);
  assert.equal(risk.max_risk, 0.2);
  assert(risk.wrong / risk.answered <= 0.2);
  assert.equal(answer.abstained, !(score !== null && score >= risk.min_score));
});

test("it abstains under the confidence that is asked for", async () => {
  // The demo's calibration ends below 1.
  const asked = { n_max: 2, min_confidence: 1, escalate: false, seed: 7 };
  const answer = await client.select(QUESTION, asked);
  assert(answer.abstained);
  assert(!answer.trusted(0));
});

test("a stream is the answer that is not streamed", async () => {
  const read = await Array.fromAsync(client.stream(QUESTION, { seed: 7 }));
  const whole = await client.generate(QUESTION, { seed: 7 });
  const texts = read.flatMap((event) => (event.type === "text" ? [event.text] : []));
  assert(texts.length > 1);
  assert.equal(texts.join(""), whole.text);
  const answer = endOf(read);
  assert.equal(answer.text, whole.text);
  assertClose(answer.score, whole.score);
  assert.equal(answer.usage?.total_tokens, whole.usage?.total_tokens);
});

test("a streamed selection tells of each sample as it ends, and then answers", async () => {
  const selection = { method: "best_of_n", n_max: 4, return_candidates: true } as const;
  const read = await Array.fromAsync(client.stream(QUESTION, { selection, seed: 7 }));
  const told = progressOf(read);
  assert.deepEqual(told.map(({ samples_ended }) => samples_ended), [1, 2, 3, 4]);
  const best = told.toSorted(
    (one, other) =>
      (other.candidate.self_reward?.score ?? -Infinity) -
      (one.candidate.self_reward?.score ?? -Infinity),
  )[0];
  assert(best);
  // The document has no streams: these are the fields that the client's type has.
  assert.deepEqual(Object.keys(best).toSorted(), [
    "candidate",
    "completion_tokens",
    "confidence",
    "samples_ended",
    "samples_running",
    "votes",
  ]);
  const answer = endOf(read);
  assert(answer instanceof Selected);
  assert.equal(answer.text, best.candidate.text);
  assert.equal(answer.score, best.candidate.self_reward?.score);
  assert.equal(answer.selection.samples_used, 4);
});

test("a text scored afterwards has the score that it had in flight", async () => {
  const answer = await client.generate(QUESTION, { seed: 7 });
  const { rewards, prompt_form } = await client.score(QUESTION, answer.text);
  assert.equal(prompt_form, "chat_template");
  assert.deepEqual(rewards.map(({ method }) => method), ["post_hoc"]);
  assertClose(rewards[0]?.score, answer.score);
});

test("reranking puts the right answer first", async () => {
  const ranking = await client.rerank(QUESTION, [WRONG, { text: RIGHT }]);
  assert.deepEqual(ranking.map(({ index, text }) => [index, text]), [[1, RIGHT], [0, WRONG]]);
  const messages = [{ role: "user" as const, content: QUESTION }];
  const { rewards } = await client.score(messages, [WRONG, RIGHT]);
  for (const { index, relevance_score } of ranking) {
    assertClose(relevance_score, rewards[index]?.score);
  }
  const [best, ...others] = await client.rerank(messages, [WRONG, RIGHT], { top_n: 1 });
  assert.deepEqual([best?.text, others], [RIGHT, []]);
});

test("many calls may be made at a time", async () => {
  const seeds = Array.from({ length: 8 }, (_, seed) => seed);
  const answers = await Promise.all(seeds.map((seed) => client.generate(QUESTION, { seed })));
  assert(answers.every(({ score }) => score !== null));
});

test("an aborted call ends, at once or streamed", async () => {
  const reason = new Error("the user left");
  const controller = new AbortController();
  const { signal } = controller;
  await assert.rejects(
    async () => {
      for await (const event of client.stream(QUESTION, {}, { signal })) {
        assert.equal(event.type, "text");
        controller.abort(reason);
      }
    },
    (error) => error === reason,
  );
  await assert.rejects(client.generate(QUESTION, {}, { signal }), (error) => error === reason);
});

test("mistakes are told in the server's words", async () => {
  await assert.rejects(client.generate(QUESTION, { model: "no-such-model" }), (error: unknown) => {
    assert(error instanceof NotFoundError);
    assert.match(error.message, /no-such-model.* \(HTTP 404\)$/);
    return true;
  });
  await assert.rejects(client.select(QUESTION, { n_max: 0 }), (error: unknown) => {
    assert(error instanceof BadRequestError);
    assert.match(error.message, /n_max/);
    return true;
  });
  await assert.rejects(client.rerank(QUESTION, []), BadRequestError);
});
