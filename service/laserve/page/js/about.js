/** What the active checkpoint says of itself. */

import { h } from "./dom.js";
import { calibrationFigure, reliabilityFigure, scoreFigure } from "./figures.js";
import { decimal } from "./numbers.js";

/**
 * @typedef {object} Active
 * @property {string} checkpoint
 * @property {number} version
 * @property {string | null} weights
 * @property {number} beta_v
 * @property {number} c_ref
 * @property {number} threshold
 * @property {import("./figures.js").Calibration | null} calibration
 * @property {boolean} loads
 * @property {{ has_drifted: boolean, scores: number } | null} drift
 * @property {{
 *   base_model: string,
 *   task: string | null,
 *   example_prompt: string | null,
 *   evaluation: Record<string, number> | null,
 *   reliability: import("./figures.js").Bin[],
 *   scores: import("./figures.js").Histogram | null,
 * } | null} description
 */

/** @type {Record<string, string>} */
const FIGURES = {
  accuracy: "answers that are right",
  f1: "F1 of the score",
  auroc: "AUROC",
  auroc_within_problem: "AUROC within a problem",
  ece: "calibration error",
};

/**
 * @param {Active} active
 * @param {HTMLElement} place
 */
export function showActive(active, place) {
  const { calibration, description } = active;
  const figures = [
    calibration && calibrationFigure(calibration, active.threshold),
    description?.reliability.length ? reliabilityFigure(description.reliability) : null,
    description?.scores ? scoreFigure(description.scores) : null,
  ].filter((figure) => figure !== null);
  place.replaceChildren(
    h(
      "dl",
      { class: "facts" },
      ...fact("Name", active.checkpoint),
      ...fact("Version", String(active.version)),
      ...fact("Weights", active.weights ?? "no manifest states them"),
      ...fact("Reference", description?.base_model ?? "unknown"),
      ...fact("Score", formula(active)),
      ...fact("Threshold", String(active.threshold)),
      ...fact("Drift", drift(active)),
    ),
    evaluation(description?.evaluation ?? null),
    figures.length
      ? h("div", { class: "figures" }, ...figures)
      : h("p", { class: "fine" }, "It has no calibration: answers have scores, and no confidence."),
  );
}

/** @param {Active} active */
function drift({ drift: found }) {
  if (found === null) return "unknown: no scores of an evaluation to compare with";
  const after = `${found.scores} ${found.scores === 1 ? "request" : "requests"}`;
  return found.has_drifted
    ? `⚠ the scores of ${after} are not those of its evaluation`
    : `none in ${after}`;
}

/** @param {Active} active */
function formula({ beta_v, c_ref }) {
  const sign = c_ref < 0 ? "+" : "−";
  return `${beta_v} × (log p(z_c) ${sign} ${decimal(Math.abs(c_ref))})`;
}

/** @param {Record<string, number> | null} figures */
function evaluation(figures) {
  const known = Object.entries(FIGURES).filter(([name]) => figures?.[name] !== undefined);
  if (!figures || known.length === 0) return "";
  return h(
    "dl",
    { class: "measured" },
    ...known.map(([name, words]) =>
      h("div", {}, h("dt", {}, words), h("dd", {}, (figures[name] ?? 0).toFixed(3))),
    ),
  );
}

/**
 * @param {string} name
 * @param {string} value
 */
function fact(name, value) {
  return [h("dt", {}, name), h("dd", { class: "mono" }, value)];
}
