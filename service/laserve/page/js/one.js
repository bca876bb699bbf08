/** One answer, as it is written. */

import { h } from "./dom.js";
import { typeset } from "./maths.js";
import { counted } from "./numbers.js";
import { inWords, verdict } from "./verdict.js";

/**
 * @typedef {object} Asking
 * @property {import("./server.js").Server} server
 * @property {number} threshold of the checkpoint's scores
 * @property {HTMLElement} place where the answer goes
 * @property {AbortSignal} signal ends it
 * @property {(text: string) => void} say to be read out
 */

/**
 * Asks, and shows the answer. Returns what is to be said of it.
 * @param {object} request of /v1/chat/completions
 * @param {Asking} asking
 */
export async function answerOnce(request, { server, threshold, place, signal }) {
  const text = h("div", { class: "text" });
  const foot = h("div", { class: "foot" }, h("p", { class: "verdict none" }, "writing …"));
  const properties = { class: "answer", "aria-label": "Answer", "aria-busy": "true" };
  const card = h("article", properties, text, foot);
  place.replaceChildren(card);
  const body = { ...request, stream: true, stream_options: { include_usage: true } };
  let reward = null;
  let tokens = 0;
  try {
    for await (const chunk of server.stream("v1/chat/completions", body, signal)) {
      tokens = chunk.usage?.completion_tokens ?? tokens;
      for (const choice of chunk.choices) {
        text.append(choice.delta.content ?? "");
        reward = choice.self_reward ?? reward;
      }
    }
  } catch (error) {
    foot.replaceChildren(h("p", { class: "verdict none" }, "stopped before its end"));
    throw error;
  } finally {
    card.setAttribute("aria-busy", "false");
  }
  const fine = h("p", { class: "fine" }, origin(reward, tokens));
  foot.replaceChildren(verdict(reward, threshold), fine);
  await typeset(text);
  return `The answer is finished: ${inWords(reward, threshold)}.`;
}

/**
 * @param {import("./verdict.js").SelfReward | null} reward
 * @param {number} tokens
 */
function origin(reward, tokens) {
  const parts = [counted(tokens, "token")];
  if (reward) {
    parts.push(reward.checkpoint, `version ${reward.checkpoint_version}`);
    if (reward.method === "post_hoc") parts.push("scored by a second request");
  }
  return parts.join(" · ");
}
