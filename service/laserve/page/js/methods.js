/**
 * Which of the same samples each method would have answered with; as the server's
 * `laserve.selection.voting` has it. Where two answers are level the server goes by a hash: here
 * they are told to be level.
 */

/** @import { SelfReward } from "./verdict.js" */

/**
 * @typedef {object} Candidate
 * @property {number} index
 * @property {string} text
 * @property {string | null} answer
 * @property {number | null} vote the place of its answer among the votes; null for no vote
 * @property {string} finish_reason
 * @property {number} completion_tokens
 * @property {SelfReward | null} self_reward
 */

/** @typedef {"majority" | "weighted_majority" | "best_of_n"} Method */

/**
 * @typedef {object} Choice
 * @property {Candidate} best the sample that stands for the answer
 * @property {number} weight what the method ranks by
 * @property {number} count samples that gave the answer
 * @property {boolean} level whether another answer has the same weight and count
 */

/** @type {Record<Method, string>} */
export const NAMES = {
  majority: "Majority",
  weighted_majority: "Weighted majority",
  best_of_n: "Best of N",
};

/**
 * @param {Method} method
 * @param {readonly Candidate[]} candidates
 * @returns {Choice | null} null where nothing votes
 */
export function choose(method, candidates) {
  /** @type {Map<number, Candidate[]>} */
  const groups = new Map();
  for (const candidate of candidates) {
    if (candidate.vote === null) continue;
    groups.set(candidate.vote, [...(groups.get(candidate.vote) ?? []), candidate]);
  }
  const ranked = [...groups.values()]
    .map((members) => standing(method, members))
    .sort((a, b) => b.weight - a.weight || b.count - a.count);
  const [first, second] = ranked;
  if (!first) return null;
  const level = !!second && second.weight === first.weight && second.count === first.count;
  return { ...first, level };
}

/**
 * @param {Method} method
 * @param {readonly Candidate[]} members samples of one answer
 */
function standing(method, members) {
  const best = members.reduce((a, b) => (scoreOf(b) > scoreOf(a) ? b : a));
  const weights = {
    majority: () => members.length,
    weighted_majority: () =>
      members.reduce((sum, one) => sum + Math.min(Math.max(scoreOf(one), 0), 1), 0),
    best_of_n: () => scoreOf(best),
  };
  return { best, weight: weights[method](), count: members.length };
}

/** @param {Candidate} candidate */
function scoreOf(candidate) {
  return candidate.self_reward?.score ?? -Infinity;
}
