/** The figures of a checkpoint: confidence by score, reliability, where the scores lie. */

import { figure, label, line } from "./charts.js";
import { svg } from "./dom.js";
import { counted, percent } from "./numbers.js";

/**
 * @typedef {object} Calibration
 * @property {"isotonic" | "platt"} kind
 * @property {number} ece
 * @property {string} fitted_on
 * @property {number[]} [scores]
 * @property {number[]} [probabilities]
 * @property {number} [a]
 * @property {number} [b]
 */

/**
 * @typedef {{ confidence: number, accuracy: number, low: number, high: number, count: number }} Bin
 * @typedef {object} Histogram answers by score
 * @property {number} low
 * @property {number} high
 * @property {number[] | null} right
 * @property {number[] | null} wrong
 * @property {number[]} all
 */

const SHARES = [0, 0.25, 0.5, 0.75, 1];
const STEPS = 60;

/**
 * @param {Calibration} calibration
 * @param {number} threshold
 */
export function calibrationFigure(calibration, threshold) {
  const points = curve(calibration);
  const low = Math.min(0, ...points.map(([score]) => score));
  const high = Math.max(1, ...points.map(([score]) => score));
  return figure(
    "From score to confidence",
    `Fitted on ${calibration.fitted_on}; it is off by ${percent(calibration.ece)} on average.`,
    {
      x: [low, high],
      y: [0, 1],
      xName: "score",
      yName: "confidence",
      xTicks: [0, 0.5, 1],
      yTicks: SHARES,
    },
    (x, y) => [
      line(x(threshold), y(0), x(threshold), y(1), "mark"),
      label(x(threshold) - 5, y(0.93), "threshold", "end"),
      svg("polyline", {
        points: points.map(([score, share]) => `${x(score)},${y(share)}`).join(" "),
        class: "curve",
      }),
    ],
  );
}

/** @param {Bin[]} bins */
export function reliabilityFigure(bins) {
  const samples = bins.reduce((sum, bin) => sum + bin.count, 0);
  return figure(
    "Reliability",
    `${counted(samples, "sample")}; bars are 95 % intervals, the dashed line is where ` +
      "confidence and truth agree.",
    {
      x: [0, 1],
      y: [0, 1],
      xName: "confidence",
      yName: "share that was right",
      xTicks: SHARES,
      yTicks: SHARES,
    },
    (x, y) => [
      line(x(0), y(0), x(1), y(1), "mark"),
      ...bins.flatMap((bin) => [
        line(x(bin.confidence), y(bin.low), x(bin.confidence), y(bin.high), "interval"),
        svg("circle", { cx: x(bin.confidence), cy: y(bin.accuracy), r: 4.5, class: "dot" }),
      ]),
    ],
  );
}

/** @param {Histogram} histogram */
export function scoreFigure(histogram) {
  const { low, high, right, wrong, all } = histogram;
  const most = Math.max(...all);
  const step = (high - low || 1) / all.length;
  /** @type {[number[], string][]} */
  const parts = right && wrong ? [[wrong, "bars wrong"], [right, "bars right"]] : [[all, "bars"]];
  return figure(
    "Scores",
    counted(all.reduce((sum, count) => sum + count, 0), "answer") +
      (right ? ": filled are right ones, hollow wrong ones." : "."),
    {
      x: [low, low + step * all.length],
      y: [0, most],
      xName: "score",
      yName: "answers",
      xTicks: [0, 0.5, 1].filter((tick) => tick >= low && tick <= high),
      yTicks: [0, most],
    },
    (x, y) => {
      const below = all.map(() => 0);
      return parts.flatMap(([counts, kind]) =>
        counts.flatMap((count, place) => {
          if (count === 0) return [];
          const from = below[place] ?? 0;
          below[place] = from + count;
          const start = low + place * step;
          return [
            svg("rect", {
              x: x(start) + 0.75,
              y: y(from + count),
              width: Math.max(x(start + step) - x(start) - 1.5, 1),
              height: Math.max(y(from) - y(from + count), 1),
              class: kind,
            }),
          ];
        }),
      );
    },
  );
}

/**
 * @param {Calibration} calibration
 * @returns {[number, number][]} scores and confidences
 */
function curve({ kind, scores = [], probabilities = [], a = 0, b = 0 }) {
  if (kind === "isotonic") {
    const first = Math.min((scores[0] ?? 0) - 0.1, -0.1);
    const last = Math.max((scores.at(-1) ?? 1) + 0.1, 1.1);
    return [
      [first, probabilities[0] ?? 0],
      ...scores.map((score, place) => knot(score, probabilities[place] ?? 0)),
      [last, probabilities.at(-1) ?? 0],
    ];
  }
  return Array.from({ length: STEPS + 1 }, (_, place) => {
    const score = -0.5 + (2 * place) / STEPS;
    return knot(score, 1 / (1 + Math.exp(-(a * score + b))));
  });
}

/**
 * @param {number} score
 * @param {number} share
 * @returns {[number, number]}
 */
function knot(score, share) {
  return [score, share];
}
