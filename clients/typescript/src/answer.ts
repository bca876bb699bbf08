/** The answer to a question. */

import { InvalidResponseError } from "./errors.ts";
import type { components } from "./openapi.ts";
import { having } from "./responses.ts";
import type { Selection, SelfReward, ToolCall, Usage } from "./types.ts";

/** What an answer is made of. */
export interface AnswerParts {
  readonly text: string;
  readonly tool_calls: readonly ToolCall[];
  readonly finish_reason: string | null;
  readonly self_reward: SelfReward | null;
  readonly model: string;
  readonly usage: Usage | null;
  readonly raw: unknown;
}

/** An answer and the model's own verdict on it. */
export class Answer implements AnswerParts {
  /** Empty where the model only calls tools. */
  readonly text: string;
  readonly tool_calls: readonly ToolCall[];
  readonly finish_reason: string | null;
  /** Null where the request turned scoring off. */
  readonly self_reward: SelfReward | null;
  readonly model: string;
  readonly usage: Usage | null;
  /** The server's JSON; of a stream, the chunk that ended the answer. */
  readonly raw: unknown;

  constructor(parts: AnswerParts) {
    this.text = parts.text;
    this.tool_calls = parts.tool_calls;
    this.finish_reason = parts.finish_reason;
    this.self_reward = parts.self_reward;
    this.model = parts.model;
    this.usage = parts.usage;
    this.raw = parts.raw;
  }

  /** The self-reward score; null where there is none. */
  get score(): number | null {
    return this.self_reward?.score ?? null;
  }

  /** Calibrated probability that the answer is correct; null where there is none. */
  get confidence(): number | null {
    return this.self_reward?.confidence ?? null;
  }

  /** Whether the confidence is known and at least `threshold`. */
  trusted(threshold: number): boolean {
    return this.confidence !== null && this.confidence >= threshold;
  }
}

/** The answer that was selected among several. */
export class Selected extends Answer {
  readonly selection: Selection;

  constructor(parts: AnswerParts, selection: Selection) {
    super(parts);
    this.selection = selection;
  }

  /** Calibrated probability that the selected answer is correct, given all samples. */
  override get confidence(): number | null {
    return this.selection.confidence;
  }

  /** Whether no sample gave an answer, or what was asked for of it was not reached. */
  get abstained(): boolean {
    return this.selection.abstained;
  }

  /** Whether the server did not abstain, and the confidence is at least `threshold`. */
  override trusted(threshold: number): boolean {
    return !this.abstained && super.trusted(threshold);
  }
}

/** The answer that the server selected. Throws InvalidResponseError where it did not. */
export function selectedOf(parts: AnswerParts, selection: Selection | null | undefined): Selected {
  if (selection === null || selection === undefined) {
    throw new InvalidResponseError("the answer has no 'selection': is this server a LaServe?");
  }
  return new Selected(parts, selection);
}

/** Of a chat completion, its first choice. Throws InvalidResponseError. */
export function partsOf(body: components["schemas"]["ScoredChatCompletionResponse"]): AnswerParts {
  const [choice] = body.choices;
  if (choice === undefined) throw new InvalidResponseError("the answer has no choice");
  const { message } = having(choice, ["message"]);
  return {
    text: message.content ?? "",
    tool_calls: (message.tool_calls ?? []).map((call) => ({
      id: call.id ?? null,
      name: call.function.name,
      arguments: call.function.arguments,
    })),
    finish_reason: choice.finish_reason,
    self_reward: choice.self_reward ?? null,
    model: body.model,
    usage: body.usage,
    raw: body,
  };
}
