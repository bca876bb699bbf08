/** What goes into a call and what comes out of it, by the server's OpenAPI document. */

import type { CHAT_SETS, RERANK_SETS, SCORE_SETS } from "./fields.ts";
import type { components } from "./openapi.ts";

type Schemas = components["schemas"];

/** Fields by name, without the signature that allows any other. */
type Known<Schema> = {
  [Name in keyof Schema as string extends Name ? never : Name]: Schema[Name];
};

/** Fields of a request; what is left out has the server's default. */
type Fields<Schema, Set extends keyof Known<Schema>> = {
  [Name in Exclude<keyof Known<Schema>, Set>]?: Known<Schema>[Name] | undefined;
};

export type SelfReward = Schemas["SelfReward"];
export type Selection = Schemas["SelectionOutcome"];
export type Candidate = Schemas["CandidateReport"];
export type Vote = Schemas["AnswerVotes"];
export type Usage = Known<Schemas["UsageInfo"]>;
export type CheckpointList = Schemas["CheckpointsResponse"];
export type CheckpointJob = Schemas["Job"];
export type LoadStrategy = Schemas["Strategy"];

/** A question, sent as a user's message, or the messages of a conversation in OpenAI's form. */
export type Prompt = string | Schemas["ScoredChatCompletionRequest"]["messages"];

/** A candidate answer. */
export type Document = string | Schemas["Document"];

/** How the server draws several answers and selects one. */
export type SelectionOptions = Fields<Schemas["SelectionOptions"], never>;

/** Fields of a request that generates. */
export type ChatFields = Fields<Schemas["ScoredChatCompletionRequest"], keyof typeof CHAT_SETS>;

/** Options of the selection, and fields of the request. */
export type SelectFields = SelectionOptions & ChatFields;

/** Fields of the request; with a `selection`, the answer is the selected one. */
export type StreamFields = ChatFields & { selection?: SelectionOptions | undefined };

/** Fields of a request that scores texts. */
export type ScoreFields = Fields<Schemas["SelfRewardRequest"], (typeof SCORE_SETS)[number]>;

/** Fields of a request that ranks texts; with `top_n`, only the best are answered. */
export type RerankFields = Fields<Schemas["RerankRequest"], (typeof RERANK_SETS)[number]>;

/** How a call is made. */
export interface CallOptions {
  /** Ends the call, which then throws the signal's reason, as fetch does. */
  readonly signal?: AbortSignal | undefined;
  /** Further fields of the request, which are sent unseen. */
  readonly extraBody?: Readonly<Record<string, unknown>> | undefined;
}

/** How a checkpoint is taken up. */
export interface LoadOptions {
  /** Beside the one that serves, in place of it, or `auto`: beside it where memory allows. */
  readonly strategy?: LoadStrategy | undefined;
  /** End requests that hold up a load in place; otherwise the load gives up. */
  readonly force?: boolean | undefined;
  /** Whether to wait until the load has ended. True by default. */
  readonly wait?: boolean | undefined;
  /** How long to wait at most; an hour by default. */
  readonly timeoutMs?: number | undefined;
  /** Told the load whenever it is seen in a new state. */
  readonly onState?: ((job: CheckpointJob) => void) | undefined;
  /** Ends the waiting; the server goes on with the load. */
  readonly signal?: AbortSignal | undefined;
}

/** A tool that the model calls. `arguments` is JSON as the model wrote it. */
export interface ToolCall {
  readonly id: string | null;
  readonly name: string;
  readonly arguments: string;
}

/** The verdicts on given texts. */
export interface Scores {
  /** In the order of the texts. */
  readonly rewards: readonly SelfReward[];
  /** What they were scored after: `chat_template`, the messages through the model's own. */
  readonly prompt_form: Schemas["PromptForm"];
}

/** One document in its place, best first. */
export interface Ranked {
  /** Its place in the list that was sent. */
  readonly index: number;
  /** The self-reward score. */
  readonly relevance_score: number | null;
  readonly text: string;
  readonly self_reward: SelfReward;
}

/** A selection under way, as a sample has ended. */
export interface SelectionProgress {
  /** That sample. */
  readonly candidate: Candidate;
  /** Every answer so far, the leader first. */
  readonly votes: readonly Vote[];
  /** Of the leader. */
  readonly confidence: number | null;
  readonly samples_ended: number;
  readonly samples_running: number;
  /** Of the samples that have ended. */
  readonly completion_tokens: number;
}
