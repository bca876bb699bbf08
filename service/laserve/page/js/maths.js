/** Formulas, set by KaTeX, which is loaded with the first answer that has one. */

const DELIMITERS = [
  { left: "$$", right: "$$", display: true },
  { left: "\\[", right: "\\]", display: true },
  { left: "\\(", right: "\\)", display: false },
  { left: "$", right: "$", display: false },
];
const FORMULA = /\$\$|\\\[|\\\(|\$[^\s$][^$\n]*\$|\\boxed\{/;
const BOXED = /\\boxed\{[^{}]*\}/g; // in prose, without marks around it

/** @type {Promise<void> | undefined} */
let loading;

/**
 * Sets the formulas in an element's text.
 * @param {HTMLElement} element
 */
export async function typeset(element) {
  const text = element.textContent ?? "";
  if (!FORMULA.test(text)) return;
  await (loading ??= load());
  if (!/\$|\\\(|\\\[/.test(text)) element.textContent = text.replace(BOXED, "\\($&\\)");
  // @ts-ignore: a script of KaTeX's, which leaves its function with the window
  globalThis.renderMathInElement(element, { delimiters: DELIMITERS, throwOnError: false });
}

async function load() {
  const folder = new URL("../vendor/katex/", import.meta.url);
  const sheet = document.createElement("link");
  sheet.rel = "stylesheet";
  sheet.href = new URL("katex.min.css", folder).href;
  document.head.append(sheet);
  await import(new URL("katex.min.js", folder).href);
  await import(new URL("auto-render.min.js", folder).href); // it looks for KaTeX
}
