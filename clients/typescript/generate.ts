// Writes src/openapi.ts from the OpenAPI document of a running server:
//
//     node generate.ts http://127.0.0.1:8000 src/openapi.ts
import { writeFile } from "node:fs/promises";

import openapiTS, { astToString, type OpenAPI3 } from "openapi-typescript";

type Schemas = NonNullable<NonNullable<OpenAPI3["components"]>["schemas"]>;

/** What the client sends, by the name that its fields are listed under. */
const REQUESTS = {
  chat: "ScoredChatCompletionRequest",
  selection: "SelectionOptions",
  score: "SelfRewardRequest",
  rerank: "RerankRequest",
};
const ANSWERS = [
  "ScoredChatCompletionResponse",
  "SelfRewardResponse",
  "RerankResponse",
  "CheckpointsResponse",
];

/** The schemas of these names, and all that they refer to. */
function reachable(schemas: Schemas, names: readonly string[]): Schemas {
  const found = new Map<string, Schemas[string]>();
  function keep(name: string): void {
    const schema = schemas[name];
    if (schema === undefined) throw new Error(`the document has no schema ${name}`);
    if (found.has(name)) return;
    found.set(name, schema);
    JSON.stringify(schema, (key, value: unknown) => {
      if (key === "$ref") keep(String(value).replace("#/components/schemas/", ""));
      return value;
    });
  }
  for (const name of names) keep(name);
  return Object.fromEntries(found);
}

/** Of answers: what has a default is there, while a request may leave it out. */
function withDefaults(schemas: Schemas): Schemas {
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => {
      if (!("properties" in schema)) return [name, schema];
      const filled = Object.entries(schema.properties ?? {}).filter(
        ([, property]) => "default" in property,
      );
      return [
        name,
        { ...schema, required: [...(schema.required ?? []), ...filled.map(([field]) => field)] },
      ];
    }),
  );
}

function fieldsOf(schema: Schemas[string] | undefined): string[] {
  if (schema === undefined || !("properties" in schema)) throw new Error("a schema without fields");
  return Object.keys(schema.properties ?? {});
}

const [url, output] = process.argv.slice(2);
if (url === undefined || output === undefined) throw new Error("usage: generate.ts URL OUTPUT");
const answer = await fetch(`${url}/openapi.json`);
if (!answer.ok) throw new Error(`${url}/openapi.json: HTTP ${answer.status}`);
const document = (await answer.json()) as OpenAPI3;
const all = document.components?.schemas ?? {};
const answers = reachable(all, ANSWERS);
const schemas = { ...reachable(all, Object.values(REQUESTS)), ...withDefaults(answers) };
const types = await openapiTS(
  { openapi: document.openapi, info: document.info, paths: {}, components: { schemas } },
  { alphabetize: true, defaultNonNullable: false },
);
const fields = Object.fromEntries(
  Object.entries(REQUESTS).map(([name, schema]) => [name, fieldsOf(schemas[schema])]),
);
await writeFile(
  output,
  `// Written by generate.ts from the OpenAPI document of a server. Not to be edited.

${astToString(types)}
/** The fields of each request. */
export const FIELDS = ${JSON.stringify(fields, null, 2)} as const;
`,
);
