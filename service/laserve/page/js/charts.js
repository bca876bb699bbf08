/** Charts in SVG, with what they show in words beside them. */

import { h, svg } from "./dom.js";

const WIDTH = 320;
const HEIGHT = 220;
const LEFT = 38;
const BOTTOM = 36;
const TOP = 12;
const RIGHT = 12;

/**
 * @typedef {object} Axes
 * @property {[number, number]} x its range
 * @property {[number, number]} y
 * @property {string} xName
 * @property {string} yName
 * @property {number[]} xTicks
 * @property {number[]} yTicks
 */

/**
 * A figure with axes, whose marks are drawn by `draw`.
 * @param {string} title
 * @param {string} words what it shows
 * @param {Axes} axes
 * @param {(x: (value: number) => number, y: (value: number) => number) => SVGElement[]} draw
 */
export function figure(title, words, axes, draw) {
  const x = scale(axes.x, LEFT, WIDTH - RIGHT);
  const y = scale(axes.y, HEIGHT - BOTTOM, TOP);
  const picture = svg(
    "svg",
    {
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
      class: "chart",
      role: "img",
      "aria-label": `${title}. ${words}`,
    },
    ...axes.yTicks.map((tick) => line(x(axes.x[0]), y(tick), x(axes.x[1]), y(tick), "grid")),
    ...axes.yTicks.map((tick) => label(LEFT - 7, y(tick) + 3.5, short(tick), "end")),
    ...axes.xTicks.map((tick) => label(x(tick), HEIGHT - BOTTOM + 15, short(tick), "middle")),
    label(x((axes.x[0] + axes.x[1]) / 2), HEIGHT - 4, axes.xName, "middle"),
    ...draw(x, y),
  );
  return h(
    "figure",
    {},
    h("figcaption", {}, h("strong", {}, title), h("span", {}, axes.yName)),
    picture,
    h("p", { class: "fine" }, words),
  );
}

/**
 * @param {number} x1
 * @param {number} y1
 * @param {number} x2
 * @param {number} y2
 * @param {string} kind
 */
export function line(x1, y1, x2, y2, kind) {
  return svg("line", { x1, y1, x2, y2, class: kind });
}

/**
 * @param {number} x
 * @param {number} y
 * @param {string} text
 * @param {"start" | "middle" | "end"} anchor
 */
export function label(x, y, text, anchor) {
  return svg("text", { x, y, "text-anchor": anchor }, text);
}

/**
 * @param {[number, number]} range
 * @param {number} from
 * @param {number} to
 * @returns {(value: number) => number}
 */
function scale([low, high], from, to) {
  return (value) => from + ((value - low) / (high - low || 1)) * (to - from);
}

/** @param {number} tick */
function short(tick) {
  return String(Math.round(tick * 100) / 100).replace("-", "−");
}
