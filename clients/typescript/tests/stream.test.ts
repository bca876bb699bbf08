/** How a stream is read, with a fake fetch: what real servers cannot be made to send. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { InvalidResponseError, LaServe, ServerError, type StreamEvent } from "laserve-client";

import { REWARD, beginning, delta, events } from "./fake_server.ts";

const PIECES = ["Gr\u00fc\u00dfe, ", "\u65e5\u672c \ud83d\ude00", "\u2028 a line\u2029"];

/** A client whose fetch answers every request with a body of these parts. */
function clientOf(parts: readonly Uint8Array[]): LaServe {
  const fakeFetch = () => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const part of parts) controller.enqueue(part);
        controller.close();
      },
    });
    return Promise.resolve(new Response(body));
  };
  return new LaServe("http://fake", { model: "fake", fetch: fakeFetch });
}

async function eventsOf(...parts: readonly Uint8Array[]): Promise<StreamEvent[]> {
  return Array.fromAsync(clientOf(parts).stream("a question"));
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function textsOf(read: readonly StreamEvent[]): string[] {
  return read.flatMap((event) => (event.type === "text" ? [event.text] : []));
}

for (const [name, ends] of [["line feeds", "\n"], ["carriage returns, too", "\r\n"]] as const) {
  test(`a stream with ${name} is read the same wherever its bytes are cut in two`, async () => {
    const bytes = bytesOf(events(...PIECES).replaceAll(/\r?\n/g, ends));
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      const read = await eventsOf(bytes.subarray(0, cut), bytes.subarray(cut));
      assert.deepEqual(textsOf(read), PIECES, `cut before byte ${cut}`);
    }
  });
}

test("a stream is read the same byte by byte, with characters of several bytes", async () => {
  const bytes = bytesOf(events(...PIECES));
  const read = await eventsOf(...Array.from(bytes, (byte) => Uint8Array.of(byte)));
  assert.deepEqual(textsOf(read), PIECES);
  const last = read.at(-1);
  assert(last?.type === "finished");
  assert.equal(last.answer.text, PIECES.join(""));
  assert.deepEqual(last.answer.self_reward, REWARD);
  assert.equal(last.answer.usage?.total_tokens, 7);
});

test("an event may have its data on several lines, and no space behind the colon", async () => {
  const lines = events("one").replaceAll("data: ", "data:").replaceAll(',"ch', '\ndata:,"ch');
  assert.deepEqual(textsOf(await eventsOf(bytesOf(lines))), ["one"]);
});

test("the parts of a tool call are put together", async () => {
  const parts = [
    { index: 0, id: "call-1", function: { name: "add" } },
    { index: 0, function: { arguments: '{"a":' } },
    { index: 0, function: { arguments: "1}" } },
  ];
  const calls = parts.map((part) => delta({ tool_calls: [part] })).join("");
  const read = await eventsOf(bytesOf(calls + events()));
  const last = read.at(-1);
  assert(last?.type === "finished");
  assert.deepEqual(last.answer.tool_calls, [{ id: "call-1", name: "add", arguments: '{"a":1}' }]);
});

test("a stream that ends before its answer is no answer", async () => {
  await assert.rejects(eventsOf(bytesOf(beginning("one", "two"))), (error: unknown) => {
    assert(error instanceof InvalidResponseError);
    assert.equal(error.message, "the stream ended before the answer was finished");
    return true;
  });
});

test("an error in a stream is thrown with its status, after what came before it", async () => {
  const failed = 'data: {"error": {"message": "the engine died", "type": "T", "code": 500}}\n\n';
  const client = clientOf([bytesOf(beginning("one") + failed)]);
  const texts: string[] = [];
  await assert.rejects(
    async () => {
      for await (const event of client.stream("a question")) {
        if (event.type === "text") texts.push(event.text);
      }
    },
    (error: unknown) => {
      assert(error instanceof ServerError);
      assert.equal(error.message, "the engine died (HTTP 500)");
      return true;
    },
  );
  assert.deepEqual(texts, ["one"]);
});

test("what is no JSON is shown", async () => {
  await assert.rejects(eventsOf(bytesOf("data: <html>\n\n")), /no JSON: <html>/);
});

test("a selection that is asked of another server is missed", async () => {
  const stream = clientOf([bytesOf(events("one"))]).stream("a question", { selection: {} });
  await assert.rejects(Array.fromAsync(stream), /no 'selection': is this server a LaServe\?/);
});
