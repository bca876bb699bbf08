/** Numbers as they are read. */

/**
 * A probability in per cent, never rounded to certainty.
 * @param {number} share from 0 to 1
 */
export function percent(share) {
  if (share > 0 && share < 0.001) return "under 0.1 %";
  if (share < 1 && share > 0.999) return "over 99.9 %";
  const digits = share > 0 && share < 1 && (share < 0.01 || share > 0.99) ? 1 : 0;
  return `${(100 * share).toFixed(digits)} %`;
}

/**
 * A score, or a weight.
 * @param {number} value
 */
export function decimal(value) {
  return value.toFixed(2).replace(/^-(?=0\.00$)/, "").replace("-", "−");
}

/**
 * @param {number} count
 * @param {string} one
 * @param {string} [many]
 */
export function counted(count, one, many = `${one}s`) {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}
