/** A self-reward as words and a meter. */

import { h } from "./dom.js";
import { decimal, percent } from "./numbers.js";

/**
 * @typedef {object} SelfReward
 * @property {number | null} score
 * @property {number | null} confidence
 * @property {string} status
 * @property {string | null} method
 * @property {string} checkpoint
 * @property {number | null} checkpoint_version
 * @property {string | null} weights
 */

const NO_SCORE = {
  truncated: "cut short by a limit of length, so it has no score",
  aborted: "stopped before its end, so it has no score",
  context_full: "it filled the context, so there was no room for its score",
};

/**
 * What a self-reward says.
 * @param {SelfReward | null | undefined} reward
 * @param {number} threshold a score above it predicts a right answer
 */
export function inWords(reward, threshold) {
  if (!reward) return "without a score";
  if (reward.score === null) {
    const known = /** @type {Record<string, string>} */ (NO_SCORE);
    return known[reward.status] ?? `without a score: ${reward.status.replaceAll("_", " ")}`;
  }
  if (reward.confidence !== null) return `${percent(reward.confidence)} likely to be right`;
  return reward.score > threshold ? "it takes this for right" : "it takes this for wrong";
}

/**
 * The meter, with its words. Filled from the left: the confidence, or the score where there is no
 * calibration; hollow where the model takes the answer for wrong.
 * @param {SelfReward | null | undefined} reward
 * @param {number} threshold
 */
export function verdict(reward, threshold) {
  const words = inWords(reward, threshold);
  if (!reward || reward.score === null) return h("p", { class: "verdict none" }, words);
  const value = Math.min(Math.max(reward.confidence ?? reward.score, 0), 1);
  const right = reward.score > threshold;
  const bar = h("span", { class: right ? "fill" : "fill hollow" });
  bar.style.setProperty("--share", String(value));
  return h(
    "div",
    { class: "verdict" },
    h(
      "span",
      {
        class: "meter",
        role: "meter",
        "aria-label": reward.confidence === null ? "Self-reward score" : "Confidence",
        "aria-valuemin": 0,
        "aria-valuemax": 1,
        "aria-valuenow": value.toFixed(3),
        "aria-valuetext": words,
      },
      bar,
    ),
    h(
      "span",
      { class: "words" },
      h("span", { "aria-hidden": "true" }, right ? "✓ " : "✗ "),
      words,
    ),
    h("span", { class: "score" }, `score ${decimal(reward.score)}`),
  );
}
