/** The end of a selection: its answer, why it stopped, what that saved. */

import { h } from "./dom.js";
import { counted, percent } from "./numbers.js";
import { verdict } from "./verdict.js";

/** @import { Candidate } from "./methods.js" */

/**
 * @typedef {object} Selection as the server tells it
 * @property {Candidate[]} candidates
 * @property {import("./votes.js").Vote[]} votes
 * @property {number} selected_index
 * @property {number} samples_used
 * @property {number} completion_tokens
 * @property {number | null} confidence
 * @property {boolean} abstained
 * @property {string} stop_cause
 */

/** @type {Record<string, string>} */
export const CAUSES = {
  n_max: "All samples that were asked for are drawn.",
  deterministic: "Every other sample would be the same.",
  unassailable: "The samples to come could not change the answer.",
  posterior: "The leading answer would very probably stay in the lead.",
  min_confidence: "The leading answer is as probably right as was asked for.",
  max_total_tokens: "The budget of tokens is spent.",
  timeout: "The time is up.",
};

const DOUBT = "No answer is as sure as was asked for: do not rely on this one.";

/**
 * @param {Selection} selection
 * @param {number} most samples that were allowed
 * @param {number} threshold
 */
export function winnerCard(selection, most, threshold) {
  const { candidates, selected_index: selected, samples_used: used, confidence } = selection;
  const winner = candidates.find((one) => one.index === selected);
  const sure = confidence === null ? "" : ` It is ${percent(confidence)} likely to be right.`;
  return h(
    "article",
    { class: "answer", "aria-label": "Answer" },
    h("div", { class: "text" }, winner?.text),
    selection.abstained ? h("p", { class: "abstained" }, DOUBT) : null,
    h("div", { class: "foot" }, verdict(winner?.self_reward, threshold)),
    h(
      "p",
      { class: "stopped" },
      h("strong", {}, `Stopped after ${used} of ${most}. `),
      `${CAUSES[selection.stop_cause]}${sure}`,
    ),
    h("p", { class: "fine" }, spent(selection, most)),
  );
}

/**
 * @param {Selection} selection
 * @param {number} most
 */
function spent({ candidates, samples_used: used, completion_tokens: tokens }, most) {
  const whole = candidates.filter((one) => one.finish_reason !== "abort");
  const written = whole.reduce((sum, one) => sum + one.completion_tokens, 0);
  const all = Math.round((written / whole.length) * most);
  if (used === most || !(all > tokens)) return `${counted(tokens, "token")} spent.`;
  return (
    `${counted(tokens, "token")} spent, some ${counted(all - tokens, "token")} saved: ` +
    `${percent((all - tokens) / all)} of what ${most} samples of that length take.`
  );
}
