/** The same samples under every method, side by side. */

import { h } from "./dom.js";
import { NAMES, choose } from "./methods.js";
import { counted, decimal } from "./numbers.js";
import { verdict } from "./verdict.js";

/** @import { Candidate, Choice, Method } from "./methods.js" */

/** @type {Record<Method, (choice: Choice) => string>} */
const BECAUSE = {
  majority: ({ count }) => `${counted(count, "sample")} gave it`,
  weighted_majority: ({ weight, count }) =>
    `weight ${decimal(weight)} of ${counted(count, "sample")}`,
  best_of_n: ({ weight }) =>
    Number.isFinite(weight) ? `highest score, ${decimal(weight)}` : "no sample has a score",
};

/**
 * @param {readonly Candidate[]} candidates
 * @param {Method} applied what the server was asked to choose by
 * @param {number} threshold
 */
export function compare(candidates, applied, threshold) {
  const methods = /** @type {Method[]} */ (Object.keys(NAMES));
  const choices = methods.map((method) => choose(method, candidates));
  const answers = new Set(choices.map((choice) => choice?.best.vote));
  return h(
    "div",
    {},
    h(
      "div",
      { class: "methods" },
      ...methods.map((method, place) =>
        column(method, choices[place] ?? null, method === applied, threshold),
      ),
    ),
    h(
      "p",
      { class: "fine" },
      answers.size > 1 ? "The methods disagree on this question." : "All methods agree.",
    ),
  );
}

/**
 * @param {Method} method
 * @param {Choice | null} choice
 * @param {boolean} isApplied
 * @param {number} threshold
 */
function column(method, choice, isApplied, threshold) {
  const title = h("h3", {}, NAMES[method], isApplied ? h("strong", {}, "asked for") : null);
  if (choice === null) {
    return h("section", { class: "method" }, title, h("p", { class: "fine" }, "No sample votes."));
  }
  return h(
    "section",
    { class: "method" },
    title,
    h("div", { class: "text" }, choice.best.answer ?? choice.best.text),
    verdict(choice.best.self_reward, threshold),
    h("p", { class: "fine" }, BECAUSE[method](choice), choice.level ? ", level with another" : ""),
  );
}
