"""Reports and comparisons: every file is there, and the numbers are the analysis's."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from laserve.errors import ConfigurationError, DataError
from laserve_training.evaluation.analysis import Evaluation, Subject, analyse
from laserve_training.evaluation.calibration import fit_calibration
from laserve_training.evaluation.comparison import compare
from laserve_training.evaluation.confidences import ConfidenceSettings, Rivals
from laserve_training.evaluation.look import dark
from laserve_training.evaluation.report import (
    PLOTS,
    markdown,
    read_report,
    summary,
    write_report,
)
from laserve_training.evaluation.samples import SampleTable


def sample_table(problems: int = 40, samples: int = 4) -> SampleTable:
    rng = np.random.default_rng(0)
    correct = rng.random((problems, samples)) < 0.4
    scores = np.where(correct, 0.8, 0.2) + rng.normal(0, 0.3, correct.shape)
    truncated = rng.random(correct.shape) < 0.05
    return SampleTable(
        correct_PN=correct & ~truncated,
        scores_PN=np.where(truncated, math.nan, scores),
        lengths_PN=rng.integers(3, 30, correct.shape).astype(float),
        answers_PN=np.where(correct & ~truncated, "right", "wrong"),
    )


def evaluate(table: SampleTable) -> Evaluation:
    values = {"length": -table.lengths_PN, "mean_logprob": table.lengths_PN % 3 + table.correct_PN}
    return analyse(
        Subject("seed-0", "tiny", "countdown", "test", {"temperature": 1.0}),
        table,
        calibration=fit_calibration(
            table.correct_PN, table.scores_PN, kind="isotonic", fitted_on="calibration split"
        ),
        rivals=Rivals(values, {"self_judgement": "no Yes"}, ConfidenceSettings()),
    )


def line(text: str, title: str) -> str:
    """The line of a markdown table that begins with `title`."""
    return next(one for one in text.splitlines() if one.startswith(f"| {title} |"))


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


def test_report_is_whole_and_its_json_is_the_evaluation(tmp_path: Path) -> None:
    table = sample_table()
    evaluation = evaluate(table)
    path = write_report(tmp_path / "new" / "report", evaluation, table)
    written = {file.name: file for file in path.parent.iterdir()}
    plots = {*PLOTS, *map(dark, PLOTS)}
    assert written.keys() == {"report.json", "report.md", *plots}
    for name in plots:
        assert written[name].read_bytes().startswith(b"\x89PNG")
    assert written["report.md"].read_text() == markdown(evaluation)
    content = json.loads(path.read_text(), parse_constant=refuse)
    assert content["figures"]["f1"]["value"] == evaluation.figures.f1.value
    # An empty bin's NaN is null, and NaN again when read; NaN is not equal to itself, so by repr.
    assert any(one["accuracy"] is None for one in content["figures"]["calibrated"]["bins"])
    assert repr(read_report(path)) == repr(evaluation)


def test_markdown_holds_the_figures() -> None:
    evaluation = evaluate(sample_table())
    text = markdown(evaluation)
    figures = evaluation.figures
    assert str(figures.f1) in line(text, "self-verification F1")
    assert "isotonic, fitted on calibration split" in line(text, "ECE, calibrated")
    assert str(evaluation.selection[-1].relative_gain) in line(text, "4")
    assert str(evaluation.confidences["length"].best_of_n) in line(text, "length")
    assert "- self_judgement is missing: no Yes" in text
    assert "both DeepConf figures are the mean token confidence" in text
    assert "0.725" in line(text, "OctoThinker-3B-Short-Base, LaSeR")
    assert all(f'src="{name}"' in text and f'srcset="{dark(name)}"' in text for name in PLOTS)
    # Within a problem, directly beside F1.
    assert f"| {figures.f1} | {figures.auroc_within} |" in text


def test_rivals_stand_on_the_samples_that_have_a_score() -> None:
    table = sample_table()
    evaluation = evaluate(table)
    scored = int(table.scored_PN.sum())
    assert scored < table.scores_PN.size
    assert {one.count for one in evaluation.confidences.values()} == {scored}
    score = evaluation.confidences["self_reward"]
    assert score.lead is None
    rival = evaluation.confidences["mean_logprob"]
    assert rival.lead is not None
    assert rival.lead.value == pytest.approx(score.auroc.value - rival.auroc.value)
    assert rival.lead_within is not None
    within = score.auroc_within.value - rival.auroc_within.value
    assert rival.lead_within.value == pytest.approx(within)
    # Of the same problems: narrower than of two figures on their own.
    assert rival.lead.low > score.auroc.low - rival.auroc.high
    assert f"| mean_logprob | {rival.lead} |" in markdown(evaluation)
    assert score.auroc == evaluation.figures.auroc
    assert score.best_of_n == evaluation.selection[-1].best_of_n


@pytest.mark.parametrize(
    ("correct", "scores"),
    [
        (np.zeros((2, 2), dtype=bool), np.full((2, 2), math.nan)),
        (np.ones((2, 2), dtype=bool), np.zeros((2, 2))),
        (np.array([[True]]), np.array([[0.9]])),
    ],
    ids=["nothing scored", "one kind", "one sample"],
)
def test_what_is_undefined_is_null_and_a_dash(
    tmp_path: Path, correct: np.ndarray, scores: np.ndarray
) -> None:
    table = SampleTable(correct, scores, np.ones(correct.shape), np.full(correct.shape, "x"))
    evaluation = analyse(Subject("c", "b", "t", "test", {}), table)
    path = write_report(tmp_path, evaluation, table)
    content = json.loads(path.read_text(), parse_constant=refuse)
    assert content["figures"]["f1"] == {"value": None, "low": None, "high": None}
    assert "| – |" in line((tmp_path / "report.md").read_text(), "self-verification F1")[:30]


def test_summary_fits_a_terminal() -> None:
    evaluation = evaluate(sample_table())
    console = Console(width=80)
    with console.capture() as capture:
        console.print(summary(evaluation))
    text = capture.get()
    assert str(evaluation.figures.auroc_within) in text
    assert str(evaluation.selection[-1].weighted_majority) in text


def test_comparison_has_a_column_for_each_run(tmp_path: Path) -> None:
    table, other = sample_table(), sample_table(problems=30)
    evaluation = evaluate(table)
    plain = analyse(Subject("grpo", "tiny", "sums", "test", {}), other)
    text = compare(
        [
            ("seed 0", write_report(tmp_path / "a", evaluation, table)),
            ("GRPO only", write_report(tmp_path / "b", plain, other)),
        ]
    )
    assert line(text, "") == "|  | seed 0 | GRPO only |"
    f1 = f"| {evaluation.figures.f1} | {plain.figures.f1} |"
    assert line(text, "self-verification F1").endswith(f1)
    assert line(text, "task").endswith("| countdown (test) | sums (test) |")
    assert line(text, "ECE, calibrated").endswith("| – |")
    rival = evaluation.confidences["mean_logprob"].auroc_within
    assert line(text, "AUROC within, mean_logprob").endswith(f"| {rival} | – |")


def test_what_is_no_report_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_report(tmp_path / "none.json")
    path = tmp_path / "report.json"
    path.write_text('{"subject": 3}')
    with pytest.raises(DataError, match="`subject`.*Evaluate again"):
        compare([("x", path)])
    with pytest.raises(ConfigurationError, match="nothing to compare"):
        compare([])


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    table = sample_table()
    with pytest.raises(ConfigurationError, match="file"):
        write_report(tmp_path / "file", evaluate(table), table)


def test_no_problem_is_refused() -> None:
    nothing = np.zeros((0, 4))
    table = SampleTable(nothing.astype(bool), nothing, nothing, nothing.astype(str))
    with pytest.raises(DataError, match="no problem"):
        analyse(Subject("c", "b", "t", "test", {}), table)
