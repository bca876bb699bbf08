/** Puts the page together. */

import { showActive } from "./about.js";
import { byId, h } from "./dom.js";
import { askForKey } from "./key.js";
import { Loads } from "./loads.js";
import { answerOnce } from "./one.js";
import { questionsOf } from "./questions.js";
import { Server } from "./server.js";
import { selectAmong } from "./several.js";

const form = byId("ask", HTMLFormElement);
const question = byId("question", HTMLTextAreaElement);
const options = byId("options", HTMLFieldSetElement);
const send = byId("send", HTMLButtonElement);
const stop = byId("stop", HTMLButtonElement);
const status = byId("status", HTMLParagraphElement);
const error = byId("error", HTMLDivElement);
const server = new Server(askForKey);

/** @type {AbortController | null} */
let underWay = null;
/** Of the active checkpoint's scores. */
let threshold = 0.5;

/** Asks what is typed. */
async function ask() {
  const fields = new FormData(form);
  const request = { messages: [{ role: "user", content: question.value.trim() }] };
  underWay = new AbortController();
  const asking = {
    server,
    threshold,
    place: byId("answer", HTMLDivElement),
    signal: underWay.signal,
    say: (/** @type {string} */ text) => (status.textContent = text),
  };
  shown(true);
  try {
    status.textContent =
      fields.get("mode") === "many"
        ? await selectAmong(selecting(request, fields), asking)
        : await answerOnce(request, asking);
  } catch (problem) {
    tell(problem);
  } finally {
    underWay = null;
    shown(false);
  }
}

/**
 * @param {object} request
 * @param {FormData} fields
 */
function selecting(request, fields) {
  const rule = String(fields.get("stop"));
  const selection = {
    method: /** @type {import("./methods.js").Method} */ (fields.get("method")),
    n_max: Number(fields.get("n_max")),
    n_parallel: Number(fields.get("n_parallel")),
    answer: String(fields.get("answer")),
    adaptive: rule === "adaptive",
    ...(Number(rule) ? { min_confidence: Number(rule) } : {}),
    return_candidates: true,
  };
  return { ...request, selection, stream: true };
}

/** @param {boolean} busy */
function shown(busy) {
  send.hidden = busy;
  stop.hidden = !busy;
  if (busy) {
    error.hidden = true;
    status.textContent = "The model is writing.";
  }
}

/** @param {unknown} problem */
function tell(problem) {
  const stopped = problem instanceof DOMException && problem.name === "AbortError";
  status.textContent = stopped ? "Stopped." : "";
  error.hidden = stopped;
  error.textContent = stopped ? "" : /** @type {Error} */ (problem).message;
}

/** Shows the active checkpoint, and what goes with it. */
async function describe() {
  /** @type {import("./about.js").Active} */
  const active = await server.json("v1/checkpoints/active");
  threshold = active.threshold;
  showActive(active, byId("about", HTMLDivElement));
  byId("served", HTMLParagraphElement).replaceChildren(
    h("strong", {}, active.checkpoint),
    " writes an answer and, in the same generation, its own verdict on it.",
  );
  for (const option of options.querySelectorAll("option[data-calibrated]")) {
    option.toggleAttribute("disabled", active.calibration === null);
  }
  suggest(active.description);
  return active;
}

/** @param {import("./about.js").Active["description"]} description */
function suggest(description) {
  const { hint, questions } = questionsOf(description?.task, description?.example_prompt);
  byId("hint", HTMLParagraphElement).textContent = hint;
  byId("questions", HTMLUListElement).replaceChildren(
    ...questions.map((text) =>
      h("li", {}, h("button", { type: "button", onclick: () => put(text) }, text)),
    ),
  );
}

/** @param {string} text */
function put(text) {
  question.value = text;
  question.focus();
}

async function start() {
  try {
    const { loads } = await describe();
    if (loads) {
      const panel = new Loads(server, byId("loads", HTMLDivElement), async () => {
        await describe();
      });
      await panel.watch();
    }
  } catch (problem) {
    tell(problem);
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (underWay === null && question.value.trim()) void ask();
});
form.addEventListener("change", () => {
  options.hidden = new FormData(form).get("mode") !== "many";
});
question.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    form.requestSubmit();
  }
});
stop.addEventListener("click", () => underWay?.abort());
byId("key-button", HTMLButtonElement).addEventListener("click", async () => {
  const key = await askForKey();
  if (key === null) return;
  server.key = key;
  await start();
});
void start();
