/** A streamed answer, from bytes to events. No input or output here. */

import { Answer, selectedOf, type AnswerParts } from "./answer.ts";
import { InvalidResponseError } from "./errors.ts";
import { decode, errorOf, having, isObject } from "./responses.ts";
import { EventDecoder } from "./sse.ts";
import type { Selection, SelectionProgress, SelfReward, Usage } from "./types.ts";

/**
 * What a stream tells: `progress` as each sample ends, where the selection asks for candidates;
 * `text`; at its end `finished` with the whole answer, a `Selected` where one was selected.
 */
export type StreamEvent =
  | { readonly type: "progress"; readonly progress: SelectionProgress }
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "finished"; readonly answer: Answer };

/** The JSON of an event, as far as it is read. The OpenAPI document has no streams. */
interface Chunk {
  readonly model: string;
  readonly choices: readonly ChunkChoice[];
  readonly usage?: Usage | null;
  readonly selection?: Selection | null;
  readonly selection_progress?: SelectionProgress;
  /** In place of all of these, where the server failed. */
  readonly error?: unknown;
}

interface ChunkChoice {
  readonly index: number;
  readonly delta: Delta;
  readonly finish_reason?: string | null;
  readonly self_reward?: SelfReward | null;
}

interface Delta {
  readonly content?: string | null;
  readonly tool_calls?: readonly ToolDelta[] | null;
}

interface ToolDelta {
  readonly index: number;
  readonly id?: string | null;
  readonly function?: { readonly name?: string | null; readonly arguments?: string | null };
}

const SERVER_FAILED = 500;

/** Events of one answer. Feed it all bytes, then take its `end`. */
export class StreamReader {
  readonly #selecting: boolean;
  readonly #events = new EventDecoder();
  readonly #tools = new Map<number, { id: string | null; name: string; arguments: string }>();
  #text = "";
  #usage: Usage | null = null;
  #last: { readonly chunk: Chunk; readonly choice: ChunkChoice } | null = null;

  constructor(selecting: boolean) {
    this.#selecting = selecting;
  }

  /** Throws APIError where the server reports one, InvalidResponseError. */
  *feed(bytes: Uint8Array): Generator<StreamEvent, void, void> {
    for (const data of this.#events.feed(bytes)) {
      if (data !== "[DONE]") yield* this.#read(data);
    }
  }

  /** Throws InvalidResponseError where the answer is not whole. */
  end(): StreamEvent {
    if (this.#last === null) {
      throw new InvalidResponseError("the stream ended before the answer was finished");
    }
    const { chunk, choice } = this.#last;
    const parts: AnswerParts = {
      text: this.#text,
      tool_calls: [...this.#tools.values()],
      finish_reason: choice.finish_reason ?? null,
      self_reward: choice.self_reward ?? null,
      model: chunk.model,
      usage: this.#usage,
      raw: chunk,
    };
    const answer = this.#selecting ? selectedOf(parts, chunk.selection) : new Answer(parts);
    return { type: "finished", answer };
  }

  *#read(data: string): Generator<StreamEvent, void, void> {
    const chunk = decode<Chunk>(data);
    if (isObject(chunk.error)) {
      const { code } = chunk.error;
      throw errorOf(typeof code === "number" ? code : SERVER_FAILED, chunk.error, null);
    }
    having(chunk, ["model", "choices"]);
    this.#usage = chunk.usage ?? this.#usage;
    if (chunk.selection_progress !== undefined) {
      yield { type: "progress", progress: chunk.selection_progress };
    }
    for (const choice of chunk.choices) {
      if (choice.index !== 0) continue;
      const { delta } = having(choice, ["delta"]);
      for (const tool of delta.tool_calls ?? []) this.#add(tool);
      if (delta.content) {
        this.#text += delta.content;
        yield { type: "text", text: delta.content };
      }
      if (choice.finish_reason != null) this.#last = { chunk, choice };
    }
  }

  /** The first delta of a tool call names it, the next ones go on with its arguments. */
  #add(delta: ToolDelta): void {
    const call = this.#tools.get(delta.index) ?? { id: delta.id ?? null, name: "", arguments: "" };
    call.name += delta.function?.name ?? "";
    call.arguments += delta.function?.arguments ?? "";
    this.#tools.set(delta.index, call);
  }
}
