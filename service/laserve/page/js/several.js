/** Best of several: samples as they end, the vote as it shifts, and why it stopped. */

import { sampleCard } from "./cards.js";
import { compare } from "./compare.js";
import { h } from "./dom.js";
import { typeset } from "./maths.js";
import { CAUSES, winnerCard } from "./ending.js";
import { showVotes } from "./votes.js";
import { counted } from "./numbers.js";

/** @import { Method } from "./methods.js" */
/** @import { Asking } from "./one.js" */

/**
 * Asks, and shows the selection. Returns what is to be said of its end.
 * @param {{ selection: { n_max: number, method: Method } }} request
 * @param {Asking} asking
 */
export async function selectAmong(request, { server, threshold, place, signal, say }) {
  const most = request.selection.n_max;
  const end = h("div", { class: "ending" });
  const waiting = h("p", { class: "fine" }, "The first samples are being written …");
  const votes = h("ol", { class: "votes", "aria-label": "Votes, the leading answer first" });
  const cards = h("ol", { class: "candidates", "aria-label": "Samples" });
  place.replaceChildren(end, part("The vote"), waiting, votes, part("The samples"), cards);
  /** @type {import("./ending.js").Selection | null} */
  let selection = null;
  for await (const chunk of server.stream("v1/chat/completions", request, signal)) {
    const progress = chunk.selection_progress;
    if (progress) {
      waiting.hidden = true;
      cards.append(sampleCard(progress.candidate, threshold));
      showVotes(votes, progress.votes);
      say(`${progress.samples_ended} of at most ${most} samples`);
    }
    selection = chunk.selection ?? selection;
  }
  if (selection === null) throw new Error("the stream ended before the selection did");
  const { candidates, selected_index: selected } = selection;
  waiting.hidden = true;
  showVotes(votes, selection.votes);
  cards.replaceChildren(
    ...candidates.map((one) => sampleCard(one, threshold, one.index === selected)),
  );
  end.replaceChildren(winnerCard(selection, most, threshold));
  place.append(
    part("The same samples, by each method"),
    compare(candidates, request.selection.method, threshold),
  );
  for (const text of place.querySelectorAll("div.text")) {
    await typeset(/** @type {HTMLElement} */ (text));
  }
  return (
    `Stopped after ${counted(selection.samples_used, "sample")}. ` + CAUSES[selection.stop_cause]
  );
}

/** @param {string} title */
function part(title) {
  return h("h2", { class: "part" }, title);
}
