/** The fields of a request, from those of a call. */

import { InvalidArgumentError } from "./errors.ts";
import { FIELDS } from "./openapi.ts";
import type { Prompt } from "./types.ts";

type Given = Readonly<Record<string, unknown>>;

/** Fields of a chat completion that its call sets itself, and what to do instead. */
export const CHAT_SETS = {
  messages: "give the messages as the prompt",
  n: "select() draws several answers, and return_candidates: true gives them all",
  selection: "call select(), or give stream() a selection",
  stream: "call stream()",
} as const;

/** Fields that the other calls set, or that ask for what they do not. */
export const SCORE_SETS = [
  "messages",
  "prompt",
  "prompt_token_ids",
  "completion",
  "completion_token_ids",
] as const;
export const RERANK_SETS = ["query", "messages", "documents", "return_documents"] as const;

export const SCORE_FIELDS = without(FIELDS.score, SCORE_SETS);
export const RERANK_FIELDS = without(FIELDS.rerank, RERANK_SETS);

/** The body of a chat completion. Throws InvalidArgumentError. */
export function chatBody(
  prompt: Prompt,
  fields: Given,
  extraBody: Given = {},
  beside: readonly string[] = [],
): Record<string, unknown> {
  for (const [name, instead] of Object.entries(CHAT_SETS)) {
    if (name in fields || name in extraBody) {
      throw new InvalidArgumentError(`'${name}' cannot be given here: ${instead}`);
    }
  }
  const misplaced = Object.keys(fields).find(isOption);
  if (misplaced !== undefined) {
    throw new InvalidArgumentError(
      `'${misplaced}' is an option of a selection: ${CHAT_SETS.selection}`,
    );
  }
  return { ...bodyOf(fields, FIELDS.chat, extraBody, beside), messages: messagesOf(prompt) };
}

/** What a call's fields are of a request's body. `beside` them, others may have been meant. */
export function bodyOf(
  fields: Given,
  known: readonly string[],
  extraBody: Given = {},
  beside: readonly string[] = [],
): Record<string, unknown> {
  refuseUnknown(
    fields,
    known,
    "no field of a request that the client knows; what else a server takes goes into extraBody",
    beside,
  );
  return { ...fields, ...extraBody };
}

/** The options of a selection among the fields of a call, and the others. */
export function parted(keywords: Given): { options: Given; fields: Given } {
  const entries = Object.entries(keywords);
  return {
    options: Object.fromEntries(entries.filter(([name]) => isOption(name))),
    fields: Object.fromEntries(entries.filter(([name]) => !isOption(name))),
  };
}

/** Throws InvalidArgumentError for an option that the server does not have. */
export function checkedOptions(options: Given): Given {
  refuseUnknown(options, FIELDS.selection, "no option of a selection");
  return options;
}

export function messagesOf(prompt: Prompt): Exclude<Prompt, string> {
  return typeof prompt === "string" ? [{ role: "user", content: prompt }] : prompt;
}

/** A body as JSON. Throws InvalidArgumentError for what JSON cannot hold. */
export function written(body: Given): string {
  try {
    return JSON.stringify(body, (name, value: unknown) => {
      // It would be written as null.
      if (typeof value === "number" && !Number.isFinite(value)) {
        throw new TypeError(`'${name}' is ${value}`);
      }
      return value;
    });
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new InvalidArgumentError(`the request cannot be written as JSON: ${said}`, {
      cause: error,
    });
  }
}

function without(names: readonly string[], left: readonly string[]): readonly string[] {
  return names.filter((name) => !left.includes(name));
}

function isOption(name: string): boolean {
  return (FIELDS.selection as readonly string[]).includes(name);
}

/** For callers whose types are not checked: a server answers as if such a field were not there. */
function refuseUnknown(
  given: Given,
  known: readonly string[],
  fault: string,
  beside: readonly string[] = [],
): void {
  for (const name of Object.keys(given)) {
    if (known.includes(name)) continue;
    const near = nearest(name, [...known, ...beside]);
    const meant = near === undefined ? "" : `. Did you mean '${near}'?`;
    throw new InvalidArgumentError(`'${name}' is ${fault}${meant}`);
  }
}

/** The name that is most like `name`, if more than half of it is; case does not count. */
function nearest(name: string, names: readonly string[]): string | undefined {
  const [best] = names
    .map((other) => ({ other, edits: distance(name.toLowerCase(), other) }))
    .filter(({ other, edits }) => edits < Math.max(name.length, other.length) / 2)
    .sort((one, two) => one.edits - two.edits);
  return best?.other;
}

/** Levenshtein's: how many letters to add, remove or change. */
function distance(one: string, two: string): number {
  let row = Array.from({ length: two.length + 1 }, (_, column) => column);
  for (const [line, letter] of [...one].entries()) {
    const next = [line + 1];
    for (const [column, other] of [...two].entries()) {
      const [left, above, diagonal] = [next[column]!, row[column + 1]!, row[column]!];
      next.push(Math.min(left + 1, above + 1, diagonal + (letter === other ? 0 : 1)));
    }
    row = next;
  }
  return row.at(-1)!;
}
