/** The client. */

import { Answer, partsOf, selectedOf, type Selected } from "./answer.ts";
import { InvalidResponseError } from "./errors.ts";
import {
  RERANK_FIELDS,
  SCORE_FIELDS,
  bodyOf,
  chatBody,
  checkedOptions,
  messagesOf,
  parted,
} from "./fields.ts";
import { Follower } from "./loads.ts";
import { FIELDS, type components } from "./openapi.ts";
import { sleep } from "./retries.ts";
import { CHECKPOINTS, Server, type Asked, type ClientOptions } from "./server.ts";
import { StreamReader, type StreamEvent } from "./stream.ts";
import type {
  CallOptions,
  ChatFields,
  CheckpointJob,
  CheckpointList,
  Document,
  LoadOptions,
  Prompt,
  Ranked,
  RerankFields,
  ScoreFields,
  Scores,
  SelectFields,
  StreamFields,
} from "./types.ts";

type Schemas = components["schemas"];
type Body = Readonly<Record<string, unknown>>;

const CHAT = "/v1/chat/completions";
/** How long to wait before the server is asked about a load again. */
const POLL_MS = 1_000;

/**
 * Client of a LaServe server. Fields of requests, and those of answers, have the server's names.
 *
 * Throws ClientError; the tree is in `errors.ts`. 429, 503 and connections that failed before an
 * answer began are tried again with exponential backoff.
 */
export class LaServe {
  readonly #server: Server;
  #model: string | undefined;

  /** `baseUrl` with or without a closing `/v1`. */
  constructor(baseUrl: string, options: ClientOptions = {}) {
    this.#server = new Server(baseUrl, options);
    this.#model = options.model;
  }

  /** The model that calls ask unless they name another. */
  async modelName({ signal }: CallOptions = {}): Promise<string> {
    if (this.#model === undefined) {
      const asked: Asked = { method: "GET", path: "/v1/models", signal };
      const { data } = await this.#server.json<{ data: { id: string }[] }>(asked, "data");
      const [first] = data;
      if (first === undefined) throw new InvalidResponseError("the server names no model");
      this.#model = first.id;
    }
    return this.#model;
  }

  /** One answer with the model's verdict on it. */
  async generate(prompt: Prompt, fields: ChatFields = {}, call: CallOptions = {}): Promise<Answer> {
    const asked = await this.#post(CHAT, chatBody(prompt, fields, call.extraBody), call);
    return new Answer(partsOf(await this.#completion(asked)));
  }

  /** The best of several answers, drawn and selected by the server. */
  async select(
    prompt: Prompt,
    keywords: SelectFields = {},
    call: CallOptions = {},
  ): Promise<Selected> {
    const { options, fields } = parted(keywords);
    const body = chatBody(prompt, fields, call.extraBody, FIELDS.selection);
    const asked = await this.#post(CHAT, { ...body, selection: options }, call);
    const answer = await this.#completion(asked);
    return selectedOf(partsOf(answer), answer.selection);
  }

  /**
   * The answer as it is written. The request is sent, and errors are thrown, as the events are
   * read; leaving the loop ends the request.
   */
  async *stream(
    prompt: Prompt,
    { selection, ...fields }: StreamFields = {},
    call: CallOptions = {},
  ): AsyncGenerator<StreamEvent, void, void> {
    const body = {
      stream_options: { include_usage: true },
      ...chatBody(prompt, fields, call.extraBody),
      stream: true,
      ...(selection && { selection: checkedOptions(selection) }),
    };
    const reader = new StreamReader(selection !== undefined);
    for await (const bytes of this.#server.bytes(await this.#post(CHAT, body, call))) {
      yield* reader.feed(bytes);
    }
    yield reader.end();
  }

  /** The model's verdict on answers that were written elsewhere, in their order. */
  async score(
    prompt: Prompt,
    completions: string | readonly string[],
    fields: ScoreFields = {},
    call: CallOptions = {},
  ): Promise<Scores> {
    const texts = typeof completions === "string" ? [completions] : completions;
    const given = bodyOf(fields, SCORE_FIELDS, call.extraBody);
    const body = { ...given, messages: messagesOf(prompt), completion: texts };
    const asked = await this.#post("/v1/self_reward", body, call);
    const answer = await this.#server.json<Schemas["SelfRewardResponse"]>(asked, "data");
    const data = answer.data.toSorted((one, other) => one.index - other.index);
    if (data.length !== texts.length || data.some(({ index }, place) => index !== place)) {
      throw new InvalidResponseError(
        `${texts.length} completions were sent, and the answer scores others: ` +
          data.map(({ index }) => index).join(", "),
      );
    }
    return { rewards: data.map((item) => item.self_reward), prompt_form: answer.prompt_form };
  }

  /** Candidate answers to a question, best first; with `top_n` only so many. */
  async rerank(
    query: Prompt,
    documents: readonly Document[],
    fields: RerankFields = {},
    call: CallOptions = {},
  ): Promise<Ranked[]> {
    const texts = documents.map((document) =>
      typeof document === "string" ? document : document.text,
    );
    const body = {
      ...bodyOf(fields, RERANK_FIELDS, call.extraBody),
      ...(typeof query === "string" ? { query } : { messages: query }),
      documents: texts,
      return_documents: false,
    };
    const asked = await this.#post("/v1/rerank", body, call);
    const answer = await this.#server.json<Schemas["RerankResponse"]>(asked, "results");
    return answer.results.map(({ index, relevance_score, self_reward }) => {
      const text = texts[index];
      if (text === undefined) {
        throw new InvalidResponseError(
          `${texts.length} documents were sent, and the answer ranks number ${index}`,
        );
      }
      return { index, relevance_score, text, self_reward };
    });
  }

  /** The checkpoint that is served, and what became of every load. */
  checkpoints({ signal }: CallOptions = {}): Promise<CheckpointList> {
    return this.#server.json({ method: "GET", path: CHECKPOINTS, signal }, "active", "data");
  }

  /**
   * Let the server take up the checkpoint in the folder `path`, as the server sees it. Returns the
   * load when it has ended. Throws CheckpointRejectedError where the server does not take it up.
   */
  loadCheckpoint(path: string, options: LoadOptions = {}): Promise<CheckpointJob> {
    const { strategy, force } = options;
    return this.#change(CHECKPOINTS, { path, strategy, force }, options);
  }

  /** Let the server go back to the checkpoint that was active before; likewise. */
  rollBack(options: Omit<LoadOptions, "strategy"> = {}): Promise<CheckpointJob> {
    return this.#change(`${CHECKPOINTS}/rollback`, { force: options.force }, options);
  }

  async #change(path: string, body: Body, options: LoadOptions): Promise<CheckpointJob> {
    const { signal } = options;
    const follower = new Follower(options);
    let job = await this.#job({ method: "POST", path, body, once: true, signal });
    while (!follower.isDone(job)) {
      await sleep(POLL_MS, signal);
      const same = `${CHECKPOINTS}/${encodeURIComponent(job.id)}`;
      job = await this.#job({ method: "GET", path: same, signal });
    }
    return job;
  }

  #job(asked: Asked): Promise<CheckpointJob> {
    return this.#server.json(asked, "id", "state");
  }

  #completion(asked: Asked): Promise<Schemas["ScoredChatCompletionResponse"]> {
    return this.#server.json(asked, "choices", "model");
  }

  /** A request of a model: the one that `body` names, or the client's. */
  async #post(path: string, body: Body, call: CallOptions): Promise<Asked> {
    const model = body["model"] ?? (await this.modelName(call));
    return { method: "POST", path, body: { ...body, model }, signal: call.signal };
  }
}
