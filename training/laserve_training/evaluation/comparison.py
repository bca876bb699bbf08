"""Several evaluations side by side: seeds, a run without the score, another task."""

from collections.abc import Callable, Sequence
from pathlib import Path

from laserve.errors import ConfigurationError
from laserve_training.evaluation.analysis import SELF_REWARD, Evaluation
from laserve_training.evaluation.report import markdown_table, read_report
from laserve_training.evaluation.selection import SelectionFigures

COMPARED_SIZE = 8
"""N of the selections that are compared, or the largest below it that there is."""


def _selection(evaluation: Evaluation) -> SelectionFigures:
    return [figures for figures in evaluation.selection if figures.size <= COMPARED_SIZE][-1]


_ROWS: dict[str, Callable[[Evaluation], object]] = {
    "checkpoint": lambda e: e.subject.checkpoint,
    "task": lambda e: f"{e.subject.task} ({e.subject.split})",
    "problems × samples": lambda e: f"{e.figures.problems} × {e.figures.samples}",
    "scored samples": lambda e: e.figures.scored,
    "pass@1": lambda e: e.figures.pass_at_1,
    "N": lambda e: _selection(e).size,
    "pass@N": lambda e: e.figures.pass_at_k.get(_selection(e).size, e.figures.pass_at_1),
    "majority of N": lambda e: _selection(e).majority,
    "weighted majority of N": lambda e: _selection(e).weighted_majority,
    "weighted / majority": lambda e: _selection(e).relative_gain,
    "weighted / oracle": lambda e: _selection(e).share_of_oracle,
    "best of N by score": lambda e: _selection(e).best_of_n,
    "oracle of N": lambda e: _selection(e).oracle,
    "self-verification F1": lambda e: e.figures.f1,
    "AUROC within a problem": lambda e: e.figures.auroc_within,
    "AUROC over all samples": lambda e: e.figures.auroc,
    "AUROC of problem_only": lambda e: e.problem_only_auroc,
    "ECE, raw": lambda e: e.figures.raw.ece,
    "ECE, calibrated": lambda e: e.figures.calibrated.ece if e.figures.calibrated else "–",
}
"""Title of each row, and what stands in it."""


def compare(reports: Sequence[tuple[str, Path]]) -> str:
    """A markdown table of (label, `report.json`) pairs, one column each, in the order given.

    Raises DataError for a file that is no report, ConfigurationError without any.
    """
    if not reports:
        raise ConfigurationError("there is nothing to compare: name at least one report.json")
    evaluations = [read_report(path) for _, path in reports]
    rows = [[title, *(str(cell(e)) for e in evaluations)] for title, cell in _ROWS.items()]
    # The rivals that any of them has, in order.
    names = dict.fromkeys(name for e in evaluations for name in e.confidences)
    rows += [
        [
            f"AUROC within, {name}",
            *(
                str(e.confidences[name].auroc_within) if name in e.confidences else "–"
                for e in evaluations
            ),
        ]
        for name in names
        if name != SELF_REWARD
    ]
    return markdown_table(["", *(label for label, _ in reports)], rows) + "\n"
