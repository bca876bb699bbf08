// The score and a selection with the openai package, at once and as a stream.
//
//     node openai_client.ts http://127.0.0.1:8000
import OpenAI from "openai";

import type {} from "laserve-client/openai";

const [url = "http://127.0.0.1:8000", apiKey = "none"] = process.argv.slice(2);
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey });
const { data } = await client.models.list();
const request = {
  model: data[0]?.id ?? "",
  messages: [{ role: "user" as const, content: "2,6,6>2" }],
  selection: { method: "best_of_n" as const, n_max: 4, return_candidates: true },
  seed: 7,
};

const { choices, selection } = await client.chat.completions.create(request);
for (const choice of choices) {
  console.log(choice.message.content, "score", choice.self_reward?.score);
}
console.log("best of", selection?.samples_used, "confidence", selection?.confidence);

for await (const chunk of await client.chat.completions.create({ ...request, stream: true })) {
  const sample = chunk.selection_progress?.candidate;
  if (sample) console.log("sample", sample.index, "score", sample.self_reward?.score);
  for (const choice of chunk.choices) {
    process.stdout.write(choice.delta.content ?? "");
    if (choice.finish_reason !== null) console.log(" score", choice.self_reward?.score);
  }
}
