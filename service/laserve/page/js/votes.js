/** The vote among the answers of some samples. */

import { h } from "./dom.js";
import { counted, decimal } from "./numbers.js";

const SHOWN = 6;

/**
 * @typedef {object} Vote
 * @property {string} answer
 * @property {number} count
 * @property {number | null} weight what the method ranks by
 */

/**
 * @param {HTMLElement} list
 * @param {readonly Vote[]} votes the leader first
 */
export function showVotes(list, votes) {
  const heaviest = Math.max(...votes.map((vote) => vote.weight ?? 0), Number.EPSILON);
  list.replaceChildren(
    ...votes.slice(0, SHOWN).map((vote, place) => row(vote, heaviest, place === 0)),
  );
  if (votes.length > SHOWN) {
    list.append(h("li", { class: "fine" }, `and ${counted(votes.length - SHOWN, "other")}`));
  }
}

/**
 * @param {Vote} vote
 * @param {number} heaviest
 * @param {boolean} leads
 */
function row({ answer, count, weight }, heaviest, leads) {
  const bar = h("span", { class: leads ? "fill" : "fill hollow" });
  bar.style.setProperty("--share", String(Math.max(weight ?? 0, 0) / heaviest));
  return h(
    "li",
    {},
    h("span", { class: "text mono" }, answer),
    h("span", { class: "meter", "aria-hidden": "true" }, bar),
    h(
      "span",
      { class: "weight" },
      `${counted(count, "sample")}, weight ${weight === null ? "none" : decimal(weight)}`,
      leads ? h("strong", {}, "leads") : null,
    ),
  );
}
