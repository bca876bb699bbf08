/** What the compiler refuses: a line below an expectation that it takes is an error of its own. */

import type { ChatFields, RerankFields, SelectFields, StreamFields } from "laserve-client";
import type {} from "laserve-client/openai";
import type { ChatCompletion, ChatCompletionCreateParams } from "openai/resources";

export const taken: SelectFields = {
  method: "weighted_majority",
  n_max: 16,
  max_risk: 0.1,
  temperature: 0.7,
  structured_outputs: { regex: "[0-9]+" },
};

export const refused: [ChatFields, ChatFields, SelectFields, SelectFields, StreamFields] = [
  // @ts-expect-error is mistyped
  { temprature: 1 },
  // @ts-expect-error has another type
  { max_tokens: "5" },
  // @ts-expect-error is no method
  { method: "worst_of_n" },
  // @ts-expect-error stands elsewhere
  { selection: {} },
  // @ts-expect-error is an option of the selection
  { n_max: 2 },
];

// @ts-expect-error is set by the call
export const set: RerankFields = { documents: [] };

/** Of the openai package. */
export const scoreOf = (choice: ChatCompletion.Choice): number | null | undefined =>
  choice.self_reward?.score;

export const request: Pick<ChatCompletionCreateParams, "selection"> = {
  // @ts-expect-error is no method
  selection: { method: "worst_of_n" },
};
