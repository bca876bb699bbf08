// One answer, and the best of eight while they are drawn.
//
//     node best_of_n.ts http://127.0.0.1:8000
import { LaServe, Selected } from "laserve-client";

const [url = "http://127.0.0.1:8000", apiKey] = process.argv.slice(2);
const client = new LaServe(url, { apiKey });
const question = "2,6,6>2";

const one = await client.generate(question, { seed: 7 });
console.log("one answer:", one.text, "score", one.score, "confidence", one.confidence);

const selection = { method: "best_of_n", n_max: 8, return_candidates: true } as const;
for await (const event of client.stream(question, { selection, seed: 7 })) {
  if (event.type === "progress") {
    const { candidate, samples_ended } = event.progress;
    console.log(`sample ${samples_ended}:`, candidate.text, "score", candidate.self_reward?.score);
  } else if (event.type === "finished" && event.answer instanceof Selected) {
    const { text, score, confidence } = event.answer;
    console.log("best of 8:", text, "score", score, "confidence", confidence);
  }
}
