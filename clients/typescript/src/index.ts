/** Client of LaServe: answers with the model's own verdict, selection among several, reranking. */

export { Answer, Selected } from "./answer.ts";
export { LaServe } from "./client.ts";
export {
  APIError,
  AuthenticationError,
  BadRequestError,
  CheckpointRejectedError,
  ClientError,
  ConnectionFailedError,
  InvalidArgumentError,
  InvalidResponseError,
  NotFoundError,
  RateLimitedError,
  ServerError,
  TimedOutError,
  UnavailableError,
} from "./errors.ts";
export type { ClientOptions } from "./server.ts";
export type { StreamEvent } from "./stream.ts";
export type {
  CallOptions,
  Candidate,
  ChatFields,
  CheckpointJob,
  CheckpointList,
  Document,
  LoadOptions,
  LoadStrategy,
  Prompt,
  Ranked,
  RerankFields,
  ScoreFields,
  Scores,
  SelectFields,
  Selection,
  SelectionOptions,
  SelectionProgress,
  SelfReward,
  StreamFields,
  ToolCall,
  Usage,
  Vote,
} from "./types.ts";
