/** Good first questions, by the kind of problems that a checkpoint was trained on. */

/** @type {Record<string, { hint: string, questions: string[] }>} */
const KINDS = {
  countdown: {
    hint:
      "It plays Countdown modulo 10: 2,6,6>2 asks for 2, 6 and 6, each once, with + or −, " +
      "to give 2.",
    questions: ["2,6,6>2", "7,4,9>2", "1,8,3>6", "5,5,5>5"],
  },
  sums: { hint: "It was trained on sums.", questions: [] },
};

const ANY = {
  hint: "A question to begin with:",
  questions: ["What is 12 + 7?", "What is the sum of the first ten odd numbers?"],
};

/**
 * @param {string | null | undefined} task the kind of problems; none where nobody says
 * @param {string | null | undefined} example a question of that kind
 * @returns {{ hint: string, questions: string[] }}
 */
export function questionsOf(task, example) {
  const known = KINDS[task ?? ""];
  if (!example) return known ?? ANY;
  const { hint, questions } = known ?? { hint: ANY.hint, questions: [] };
  return { hint, questions: [...new Set([example, ...questions])] };
}
