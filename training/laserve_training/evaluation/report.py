"""Writes an evaluation into a folder: `report.json`, `report.md` and the plots.

`report.json` holds every number and is written last: where it is, the report is whole.
"""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from matplotlib.figure import Figure
from pydantic import TypeAdapter, ValidationError
from rich.table import Table

from laserve.core.faults import faults
from laserve.errors import ConfigurationError, DataError
from laserve_training.evaluation import paper
from laserve_training.evaluation.analysis import SELF_REWARD, Evaluation
from laserve_training.evaluation.confidences import DEFINITIONS
from laserve_training.evaluation.look import Theme, picture, save
from laserve_training.evaluation.metrics import BINS
from laserve_training.evaluation.plots import (
    auroc_plot,
    reliability_plot,
    score_histogram,
    selection_plot,
)
from laserve_training.evaluation.samples import SampleTable

REPORT_JSON = "report.json"
REPORT_MARKDOWN = "report.md"
PLOTS = {
    "scores.png": "Scores of correct and incorrect samples",
    "reliability.png": "Reliability of the score, raw and calibrated",
    "selection.png": "Accuracy against N",
    "auroc.png": "AUROC of the score and its rivals",
}
"""File names, with what they show; beside each stands one for dark pages."""

_EVALUATION = TypeAdapter(Evaluation)


def write_report(folder: Path, evaluation: Evaluation, table: SampleTable) -> Path:
    """Write everything; `table` is what `evaluation` was computed from. Returns the path of
    `report.json`, where NaN is null. Raises ConfigurationError where it cannot be written."""
    path = folder / REPORT_JSON
    figures: dict[str, Callable[[Theme], Figure]] = {
        "scores.png": partial(score_histogram, table, evaluation.figures.threshold),
        "reliability.png": partial(reliability_plot, evaluation.figures),
        "selection.png": partial(selection_plot, evaluation.selection),
        "auroc.png": partial(auroc_plot, evaluation.confidences, evaluation.problem_only_auroc),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        for name, draw in figures.items():
            save(folder, name, draw)
        (folder / REPORT_MARKDOWN).write_text(markdown(evaluation), encoding="utf-8")
        temporary = folder / f".{REPORT_JSON}"
        temporary.write_bytes(_EVALUATION.dump_json(evaluation, indent=1) + b"\n")
        temporary.replace(path)
    except OSError as error:
        raise ConfigurationError(
            f"the report cannot be written to {folder}: {error.strerror}"
        ) from error
    return path


def read_report(path: Path) -> Evaluation:
    """The evaluation of a `report.json`. Raises DataError where it cannot be read or is none."""
    try:
        return _EVALUATION.validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        raise DataError(
            f"{path} is no report of this version: {faults(error)[0]}. Evaluate again"
        ) from error


def markdown(evaluation: Evaluation) -> str:
    """The whole report, numbers as value [95 % interval]."""
    subject = evaluation.subject
    sections = [
        f"# {subject.checkpoint} on {subject.task} ({subject.split})",
        _subject_section(evaluation),
        _headline_section(evaluation),
        *(picture(name, title) for name, title in PLOTS.items()),
        _figures_section(evaluation),
        _selection_section(evaluation),
        _rivals_section(evaluation),
        _paper_section(evaluation),
    ]
    return "\n\n".join(sections) + "\n"


def summary(evaluation: Evaluation) -> Table:
    """The main figures as a table for the terminal."""
    figures, largest = evaluation.figures, evaluation.selection[-1]
    subject = evaluation.subject
    table = Table(
        "", "value [95 %]", title=f"{subject.checkpoint} on {subject.task}", title_justify="left"
    )
    for name, interval in (
        ("pass@1", figures.pass_at_1),
        (f"majority of {largest.size}", largest.majority),
        (f"weighted majority of {largest.size}", largest.weighted_majority),
        (f"best of {largest.size} by score", largest.best_of_n),
        (f"oracle of {largest.size}", largest.oracle),
        ("self-verification F1", figures.f1),
        ("AUROC within a problem", figures.auroc_within),
        ("AUROC over all samples", figures.auroc),
        ("ECE, raw score", figures.raw.ece),
    ):
        table.add_row(name, str(interval).replace("[", r"\["))
    if figures.calibrated is not None:
        table.add_row("ECE, calibrated", str(figures.calibrated.ece).replace("[", r"\["))
    return table


def markdown_table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A markdown table."""
    titles = list(header)
    lines = [titles, ["---"] * len(titles), *map(list, rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _subject_section(evaluation: Evaluation) -> str:
    subject, figures = evaluation.subject, evaluation.figures
    settings = ", ".join(f"{name} {value}" for name, value in subject.settings.items())
    return (
        f"Base model {subject.base_model}. {figures.problems} problems with {figures.samples} "
        f"samples each{settings and f' ({settings})'}. {figures.scored} of "
        f"{figures.problems * figures.samples} samples have a score; what was truncated has none, "
        "is left out of the score's figures and counts as incorrect elsewhere. Brackets hold 95 % "
        "intervals, by bootstrap over problems."
    )


def _headline_section(evaluation: Evaluation) -> str:
    figures = evaluation.figures
    table = markdown_table(
        ["pass@1", "self-verification F1", "AUROC within a problem", "AUROC over all samples"],
        [map(str, (figures.pass_at_1, figures.f1, figures.auroc_within, figures.auroc))],
    )
    return (
        f"{table}\n\nA high F1 with an AUROC of one half within a problem means that the score has "
        "learned which problems are hard, not which answers are right."
    )


def _figures_section(evaluation: Evaluation) -> str:
    figures = evaluation.figures
    rows = [
        ["pass@1", str(figures.pass_at_1), "mean over problems"],
        *([f"pass@{k}", str(i), "unbiased estimate"] for k, i in figures.pass_at_k.items()),
        [
            "self-verification F1",
            str(figures.f1),
            f"harmonic mean of the two accuracies below; threshold {figures.threshold:g}",
        ],
        [
            "AUROC within a problem",
            str(figures.auroc_within),
            f"mean over the {figures.problems_within} problems with both kinds of samples",
        ],
        ["AUROC over all samples", str(figures.auroc), "pairs across problems too"],
        ["accuracy on correct", str(figures.accuracy_on_correct), ""],
        ["accuracy on incorrect", str(figures.accuracy_on_incorrect), ""],
        ["ECE, raw", str(figures.raw.ece), f"score clipped to [0, 1]; {BINS} bins of equal width"],
        ["Brier, raw", str(figures.raw.brier), "score clipped to [0, 1]"],
    ]
    if figures.calibrated is not None and evaluation.calibration is not None:
        fitted = f"{evaluation.calibration.kind}, fitted on {evaluation.calibration.fitted_on}"
        rows += [
            ["ECE, calibrated", str(figures.calibrated.ece), fitted],
            ["Brier, calibrated", str(figures.calibrated.brier), fitted],
        ]
    return "## Figures\n\n" + markdown_table(["figure", "value", "what it is"], rows)


def _selection_section(evaluation: Evaluation) -> str:
    rows = [
        [
            str(f.size),
            str(f.majority),
            str(f.weighted_majority),
            str(f.best_of_n),
            str(f.oracle),
            str(f.relative_gain),
            str(f.share_of_oracle),
        ]
        for f in evaluation.selection
    ]
    header = [
        "N",
        "majority",
        "weighted majority",
        "best of N by score",
        "oracle",
        "weighted / majority",
        "weighted / oracle",
    ]
    return (
        "## Selection\n\nAccuracy of one answer chosen from N samples as the server chooses it, "
        "mean over disjoint blocks of N; where a seed breaks a tie, in expectation. Weights are "
        "scores clipped to [0, 1].\n\n" + markdown_table(header, rows)
    )


def _rivals_section(evaluation: Evaluation) -> str:
    rows = [
        [
            f"**{name}**" if name == SELF_REWARD else name,
            str(figures.auroc),
            str(figures.auroc_within),
            str(figures.best_of_n),
            str(figures.count),
        ]
        for name, figures in evaluation.confidences.items()
    ]
    rows.append(["problem_only (baseline)", str(evaluation.problem_only_auroc), "–", "–", ""])
    header = ["confidence", "AUROC", "within a problem", f"best of {evaluation.best_of}", "samples"]
    notes = [
        f"- {name}: {DEFINITIONS[name]}" for name in evaluation.confidences if name in DEFINITIONS
    ]
    notes.append(
        "- problem_only: share of correct ones among the other samples of the problem, an oracle "
        "of difficulty. Within a problem what sees only the problem is chance, and its best of N "
        "is pass@1, by definition"
    )
    notes += [f"- {name} is missing: {reason}" for name, reason in evaluation.missing.items()]
    settings = evaluation.confidence_settings
    if settings is not None:
        short = evaluation.longest_completion <= min(settings.tail_tokens, settings.group_tokens)
        notes.append(
            f"- Constants: top-k {settings.top_k}, tail_tokens {settings.tail_tokens}, "
            f"group_tokens {settings.group_tokens}; the longest completion has "
            f"{evaluation.longest_completion} tokens"
            + (", so both DeepConf figures are the mean token confidence here" if short else "")
        )
    return (
        "## The score and its rivals\n\nAll on the same samples, those that have a score; higher "
        "means more confident, an AUROC below one half that the reverse is informative.\n\n"
        + markdown_table(header, rows)
        + "\n\n"
        + _leads(evaluation)
        + "\n".join(notes)
    )


def _leads(evaluation: Evaluation) -> str:
    """The score's AUROC minus each rival's; empty for a report without."""
    rows = [
        [name, str(figures.lead), str(figures.lead_within)]
        for name, figures in evaluation.confidences.items()
        if figures.lead is not None
    ]
    if not rows:
        return ""
    header = ["the score's lead over", "AUROC", "within a problem"]
    return markdown_table(header, rows) + "\n\n"


def _paper_section(evaluation: Evaluation) -> str:
    figures = evaluation.figures
    rows = [
        [
            f"{result.model}, LaSeR",
            f"{result.accuracy:.3f} ({result.accuracy_without:.3f} without)",
            f"{result.f1:.3f}",
            "–",
        ]
        for result in paper.PUBLISHED
    ]
    own = [
        f"**{evaluation.subject.checkpoint}** on {evaluation.subject.task}",
        str(figures.pass_at_1),
        str(figures.f1),
        str(figures.auroc_within),
    ]
    header = ["", "accuracy", "self-verification F1", "AUROC within a problem"]
    return (
        f"## Beside the paper\n\n{paper.SOURCE}, averages over {paper.BENCHMARKS}: other models on "
        "other problems, for orientation and not for comparison.\n\n"
        + markdown_table(header, [*rows, own])
    )
