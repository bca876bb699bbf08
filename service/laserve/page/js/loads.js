/** Other checkpoints: load one, watch it, roll back. */

import { h } from "./dom.js";

/** @import { Server } from "./server.js" */

const STEPS = ["queued", "verifying", "loading", "proving", "active"];
const EVERY_MS = 700;

export class Loads {
  /**
   * @param {Server} server
   * @param {HTMLElement} place
   * @param {() => Promise<void>} onChange another checkpoint is active
   */
  constructor(server, place, onChange) {
    this.server = server;
    this.onChange = onChange;
    this.list = h("ol", { class: "jobs", "aria-label": "Loads, the newest first" });
    this.said = h("p", { class: "fine", role: "status" });
    const back = () => this.#ask("rollback", {});
    this.back = /** @type {HTMLButtonElement} */ (
      h("button", { type: "button", class: "quiet", onclick: back }, "Roll back")
    );
    place.replaceChildren(
      h("h3", { class: "part" }, "Load another"),
      this.#form(),
      this.said,
      this.list,
    );
  }

  /** Shows what became of every load, again and again until none is under way. */
  async watch() {
    for (;;) {
      const { active, data } = await this.server.json("v1/checkpoints");
      this.back.disabled = !active.can_roll_back;
      this.list.replaceChildren(...data.slice(0, 6).map(job));
      if (data.every(hasEnded)) return;
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  }

  #form() {
    const path = h("input", {
      type: "text",
      name: "path",
      required: true,
      autocomplete: "off",
      spellcheck: "false",
      placeholder: "step-200",
    });
    const key = /** @type {HTMLInputElement} */ (
      h("input", { type: "password", autocomplete: "off" })
    );
    key.addEventListener("input", () => (this.server.adminKey = key.value));
    const strategy = h(
      "select",
      { name: "strategy" },
      h("option", { value: "auto" }, "as the memory allows"),
      h("option", { value: "side_by_side" }, "side by side"),
      h("option", { value: "in_place" }, "in place"),
    );
    const form = /** @type {HTMLFormElement} */ (
      h(
        "form",
        { class: "loader" },
        h("label", {}, "Folder on the server", path),
        h("label", {}, "How", strategy),
        h("label", {}, "Admin key, where there is one", key),
        h("div", { class: "buttons" }, h("button", { class: "primary" }, "Load"), this.back),
      )
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#ask("", Object.fromEntries(new FormData(form)));
    });
    return form;
  }

  /**
   * @param {"" | "rollback"} route
   * @param {object} body
   */
  async #ask(route, body) {
    try {
      const path = ["v1/checkpoints", route].filter(Boolean).join("/");
      const { id } = await this.server.json(path, { method: "POST", body });
      this.said.textContent = `${id} is under way.`;
      await this.watch();
      const ended = await this.server.json(`v1/checkpoints/${id}`);
      this.said.textContent =
        ended.state === "active"
          ? `${ended.checkpoint} answers now.`
          : `It was not taken up, and what was served before still is: ${ended.reason}`;
      await this.onChange();
    } catch (error) {
      this.said.textContent = `Not done: ${/** @type {Error} */ (error).message}`;
    }
  }
}

/** @param {{ state: string }} job */
function hasEnded({ state }) {
  return state === "active" || state === "rejected";
}

/** @param {any} job as the server tells it */
function job({ id, state, checkpoint, version, origin, reason, seconds }) {
  const total = Object.values(seconds).reduce((sum, one) => sum + one, 0);
  return h(
    "li",
    {},
    h("span", { class: "mono" }, id),
    h("span", {}, checkpoint ? checkpoint + (version ? `, version ${version}` : "") : origin),
    state === "rejected" ? h("strong", { class: "rejected" }, "✗ rejected") : steps(state),
    h("span", { class: "fine" }, reason ?? `${total.toFixed(1)} s`),
  );
}

/** @param {string} state */
function steps(state) {
  const done = STEPS.indexOf(state);
  return h(
    "span",
    { class: "steps" },
    ...STEPS.map((step, place) =>
      h("span", { class: place <= done ? "done" : "", "aria-hidden": "true" }),
    ),
    h("span", {}, state === "active" ? "✓ active" : state),
  );
}
