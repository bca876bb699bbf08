"""Writes the comparison: `selection.md` and its plot, for light pages and for dark ones."""

import re
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from laserve_training.evaluation.bootstrap import Interval
from laserve_training.evaluation.look import picture, save
from laserve_training.evaluation.report import markdown_table
from tests.bench.selection.contestants import Contestant
from tests.bench.selection.engine_check import Agreement
from tests.bench.selection.figures import Figures, Honesty
from tests.bench.selection.line_up import (
    BASELINE,
    COMPARED,
    GOAL,
    LARGER,
    Kind,
    confident,
    likely,
    majority,
    unassailable,
    voting_on,
)
from tests.bench.selection.plot import Curves, tokens_plot
from tests.bench.selection.recording import Drawing

MARKDOWN, PLOT = "selection.md", "selection.png"
GOAL_SHARE = 0.5
"""Of the baseline's tokens."""
_WIDTH = 104


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that was measured."""

    drawing: Drawing
    table: Sequence[Figures]
    number_table: Sequence[Figures]
    curves: Mapping[Kind, Curves]
    honesties: Sequence[Honesty]
    agreements: Sequence[Agreement]

    def row(self, contestant: Contestant) -> Figures:
        """The figures of a contestant of one of the two tables."""
        options = contestant.options
        rows = self.table if options.answer == "text" else self.number_table
        key = (contestant.name, options.n_max, options.parallel)
        return next(row for row in rows if (row.name, row.n_max, row.n_parallel) == key)


def write_document(folder: Path, results: Results) -> Path:
    """Returns the path of the text."""
    folder.mkdir(parents=True, exist_ok=True)
    save(folder, PLOT, partial(tokens_plot, results.curves))
    path = folder / MARKDOWN
    path.write_text(markdown(results), encoding="utf-8")
    return path


def markdown(results: Results) -> str:
    """The whole text."""
    sections = [
        "# Ways to select one of N samples, on the demo checkpoint",
        _setting(results.drawing),
        _goal(results),
        picture(PLOT, "Accuracy against tokens"),
        "## What is seen",
        _findings(results),
        "## All of them",
        _table(results.table),
        "## Votes on the result alone",
        _prose(_NUMBERS),
        _table(results.number_table),
        "## Can the confidence be believed?",
        _honesty(results.honesties),
        "## Replay and engine",
        _check(results.agreements),
        "## How the rivals are played",
        _prose(_RIVALS),
    ]
    return "\n\n".join(sections) + "\n"


_NUMBERS = """
The same with `answer` `last_number`, compared with the same baseline: the texts that come to one
result vote together.
"""

_RIVALS = """
All are the service's own `Selector` with other stop rules, weights or starts
(`tests/bench/selection`).

- its_hub 1.2.0, Beta: all N start at once; the end is when P(leader beats runner-up) of the counts
is 0.95. That is LaServe's `posterior` on counts. "In flight 1" is not its_hub's: it shows what the
rule itself would save.
- its_hub 1.2.0, Adaptive: rounds that double the samples from 2 on; the end is after a round in
which three quarters of the votes agree.
- DeepConf (arXiv 2508.15260), offline: N samples, of which the stated share, by the mean token
confidence of the tail, votes, weighed by it. Token confidence is over the 20 most probable tokens.
- DeepConf, online: 4 samples warm up; later ones are stopped at the token where the mean confidence
of the last 6 (one step of a chain) falls below what the stated share of the warm-up kept to. The
end is when one answer has 0.95 of the weight. The authors take windows of 2048 tokens, longer than
any answer here, and 16 samples to warm up. The top tenth of 4 is one sample, of one mind with
itself: that row mostly ends there.
"""


def _setting(drawing: Drawing) -> str:
    return _prose(f"""
`python -m tests.bench.selection`: {drawing.problems} held-out problems of {drawing.task} (those of
the demo's report) with {drawing.samples} samples each, drawn once by the service's engine from
{drawing.checkpoint}, temperature {drawing.temperature:g}, at most {drawing.max_tokens} tokens,
fixed seeds. Every row chooses among these samples, by the service's own `Selector`. For N below
{drawing.samples} a problem's figure is the mean over the disjoint blocks of N successive samples;
N = 1 is pass@1. Brackets hold 95 % intervals by bootstrap over problems; differences are paired.

Time is virtual: in each step every sample in flight gets one token, as in an engine with room for
all. A score takes {drawing.message_tokens} steps after the answer: with so small a vocabulary it is
sent as {drawing.message_tokens} tokens, with one of 48,003 or more as 1. "Tokens" are completion
tokens as `usage` counts them, those of cancelled samples included.
""")


def _goal(results: Results) -> str:
    fast, frugal = results.row(confident()), results.row(confident(parallel=1))
    kept = fast.difference.low <= 0.0 <= fast.difference.high
    met = kept and fast.share.high <= GOAL_SHARE
    default = results.row(unassailable())
    return _prose(f"""
**The goal**, adaptive weighted majority with the accuracy of fixed N = {COMPARED} for at most half
of its tokens, **is {"met" if met else "not met"} with `min_confidence` {GOAL}**: accuracy
{fast.accuracy} against {results.row(BASELINE).accuracy}, a difference of
{_signed(fast.difference)}, for {fast.share} of the tokens with four samples in flight, for
{frugal.share} one at a time. A request that asks for no `min_confidence` is safe, but saves next to
nothing here: {default.share} of the tokens.
""")


def _findings(results: Results) -> str:
    row = results.row
    safe, safe_4 = row(unassailable(parallel=1)), row(unassailable())
    safe_number = row(voting_on("last_number", unassailable(parallel=1)))
    likely_number = row(voting_on("last_number", likely(parallel=1)))
    low, high = (row(confident(minimum=minimum)) for minimum in (0.5, 0.95))
    votes, number_votes = row(majority(COMPARED)), row(voting_on("last_number", majority(COMPARED)))
    fast, frugal, baseline = row(confident()), row(confident(parallel=1)), row(BASELINE)
    larger = row(confident(LARGER))
    return _prose(f"""
- **The score is what selects.** Votes that do not see it are right about as often as a single
sample (pass@1 {row(majority(1)).accuracy}): the majority of {COMPARED} {votes.accuracy}, on results
alone {number_votes.accuracy}, and so its_hub's, DeepConf's and the mean log-prob's choices. This
model guesses, and is no surer where it guesses right; the score checks. On a task whose right
answers are also the frequent ones the rivals' rules have something to go by.
- **`min_confidence` is what saves.** It ends at the first answer that is sure enough, the others
only when the votes are decided. By itself `adaptive` keeps fixed N's answer to the last one and
takes {safe.share.value:.3f} of its tokens one at a time, {safe_4.share.value:.3f} with four in
flight: right answers have many texts here, each of few votes. On results alone it takes
{safe_number.share.value:.3f} one at a time, with `posterior` 0.95 {likely_number.share.value:.3f}.
- **The level hardly matters here**: {low.share.value:.3f} of the tokens at 0.5,
{high.share.value:.3f} at 0.95, with four in flight. This checkpoint's confidence is nearly always
near 0 or near 1.
- **Tokens are paid for with time**: {frugal.steps:.0f} steps one at a time, {fast.steps:.0f} with
four in flight, {baseline.steps:.0f} for all {COMPARED} at once.
- **What is saved can buy accuracy**: with `n_max` {LARGER} and four in flight it is
{larger.accuracy}, still for {larger.share} of the tokens of fixed N = {COMPARED}.
- Nearly all answers have 14 tokens, so samples that start together end together and nothing is left
to cancel: a rule that starts all at once, such as its_hub's Beta, can save nothing here. With
answers of unequal length it would.
""")


def _honesty(honesties: Sequence[Honesty]) -> str:
    header = [
        "way to select",
        "answer",
        "in flight",
        "accuracy",
        "mean confidence",
        "ECE",
        "ECE of the highest",
        "abstained",
        "confidence of the answered",
        "accuracy of the answered",
        "accuracy of the abstained",
    ]
    rows = [
        [
            one.name,
            one.answer,
            _flight(one.n_parallel, COMPARED),
            str(one.accuracy),
            f"{one.confidence:.3f}",
            str(one.ece_of_mean),
            str(one.ece_of_highest),
            str(one.abstained),
            f"{one.confidence_of_answered:.3f}",
            str(one.accuracy_of_answered),
            str(one.accuracy_of_abstained),
        ]
        for one in honesties
    ]
    judged = next(one for one in honesties if one.name == confident().name)
    text = _prose(f"""
`selection.confidence` is the mean over the winning answer's samples; "the highest" is what it would
be as their maximum. Equal texts have equal scores, so the two differ only where an answer has
several texts. Stopping at the first sure answer could make it too sure, as a problem whose right
answer does not come gives {COMPARED} chances for a false alarm: at `min_confidence` {GOAL} what is
answered claims {judged.confidence_of_answered:.3f} and is right {judged.accuracy_of_answered}. The
share of the problems that is abstained on is {judged.abstained}; of those
{judged.accuracy_of_abstained} would have been right.
""")
    return f"{text}\n\n{markdown_table(header, rows)}"


def _check(agreements: Sequence[Agreement]) -> str:
    header = [
        "way to select",
        "in flight",
        "same answer",
        "same verdict",
        "samples, engine / replay",
        "tokens, engine / replay",
    ]
    rows = [
        [
            one.name,
            str(one.n_parallel),
            f"{one.same_answer} of {one.problems}",
            f"{one.same_verdict} of {one.problems}",
            f"{one.samples} / {one.replayed_samples}",
            f"{one.tokens} / {one.replayed_tokens}",
        ]
        for one in agreements
    ]
    text = _prose("""
The engine makes selections of its own from the same seeds, one problem at a time. One sample at a
time all must agree. With several in flight the engine's samples of one step may arrive one after
the other, and the first may end the selection before the others' votes are counted: another text
may win. A sample that is cancelled half-way has a few tokens more than the replay says, until the
cancellation arrives; as all answers are about as long, hardly one is here.
""")
    return f"{text}\n\n{markdown_table(header, rows)}"


def _prose(text: str) -> str:
    """Paragraphs and list items, with lines of equal width whatever the numbers in them."""
    paragraphs = text.strip().split("\n\n")
    return "\n\n".join(
        "\n".join(
            textwrap.fill(
                " ".join(item.split()),
                _WIDTH,
                subsequent_indent="  " if item.startswith("- ") else "",
                break_long_words=False,
                break_on_hyphens=False,
            )
            for item in re.split(r"\n(?=- )", paragraph)
        )
        for paragraph in paragraphs
    )


def _table(rows: Sequence[Figures]) -> str:
    header = [
        "way to select",
        "N",
        "in flight",
        "accuracy",
        f"difference from fixed N = {COMPARED}",
        "samples",
        "tokens",
        f"of the tokens of fixed N = {COMPARED}",
        "steps",
    ]
    return markdown_table(
        header,
        [
            [
                row.name,
                str(row.n_max),
                _flight(row.n_parallel, row.n_max),
                str(row.accuracy),
                _signed(row.difference),
                f"{row.samples:.2f}",
                f"{row.tokens:.1f}",
                str(row.share),
                f"{row.steps:.1f}",
            ]
            for row in rows
        ],
    )


def _flight(parallel: int, n: int) -> str:
    return "all" if parallel == n > 1 else str(parallel)


def _signed(interval: Interval) -> str:
    return f"{interval.value:+.3f} [{interval.low:+.3f}, {interval.high:+.3f}]"
