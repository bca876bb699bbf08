/** One sample, small. */

import { h } from "./dom.js";
import { verdict } from "./verdict.js";

/**
 * @param {import("./methods.js").Candidate} candidate
 * @param {number} threshold
 * @param {boolean} [isChosen] whether the request was answered with it
 */
export function sampleCard(candidate, threshold, isChosen = false) {
  return h(
    "li",
    { class: isChosen ? "candidate chosen" : "candidate" },
    h(
      "p",
      { class: "number" },
      `Sample ${candidate.index + 1}`,
      isChosen ? h("strong", {}, "chosen") : null,
    ),
    h("div", { class: "text" }, candidate.text || "…"),
    candidate.finish_reason === "abort"
      ? h("p", { class: "verdict none" }, "still being written when it stopped")
      : verdict(candidate.self_reward, threshold),
  );
}
