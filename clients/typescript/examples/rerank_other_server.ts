// Answers of any other OpenAI-compatible server, put in order by LaServe.
//
//     node rerank_other_server.ts http://127.0.0.1:8000 http://127.0.0.1:8001/v1 MODEL
import { LaServe } from "laserve-client";
import OpenAI from "openai";

const [url = "", otherUrl = "", model = ""] = process.argv.slice(2);
const question = "2,6,6>2";

const other = new OpenAI({ baseURL: otherUrl, apiKey: "none" });
const drawn = await other.chat.completions.create({
  model,
  messages: [{ role: "user", content: question }],
  n: 8,
  seed: 7,
});
const texts = drawn.choices.map((choice) => choice.message.content ?? "");

for (const { relevance_score, text } of await new LaServe(url).rerank(question, texts)) {
  console.log(relevance_score, text);
}
