"""Figures of a handful of selections, and the file that keeps samples."""

from dataclasses import replace
from pathlib import Path

import pytest

from laserve.selection.options import SelectionMethod
from laserve_training.evaluation.bootstrap import Bootstrap
from tests.bench.errors import BenchError
from tests.bench.selection.contestants import fixed
from tests.bench.selection.figures import measure, measure_honesty, play
from tests.bench.selection.line_up import CHECKED, HONEST, NUMBER_TABLE, TABLE, confident
from tests.bench.selection.recording import (
    Drawing,
    RecordedProblem,
    RecordedSample,
    read_recording,
    write_recording,
)
from tests.unit.bench_selection.recorded import recorded

DRAWING = Drawing(
    checkpoint="tiny",
    weights="0" * 64,
    message_tokens=5,
    task="countdown",
    problems=2,
    samples=4,
    max_tokens=24,
    temperature=1.0,
    seed=0,
)


def right(tokens: int = 4) -> RecordedSample:
    return recorded("right", tokens, score=0.9, confidence=0.99, is_correct=True)


def wrong(tokens: int = 4) -> RecordedSample:
    return recorded("wrong", tokens, score=0.1, confidence=0.01)


PROBLEMS = [
    RecordedProblem("0", (1,), 0, (right(), wrong(), wrong(), wrong())),
    RecordedProblem("1", (1,), 4, (right(), right(), wrong(6), right())),
]


def test_a_problem_counts_with_the_mean_over_its_blocks() -> None:
    pairs = play(fixed("pairs", SelectionMethod.WEIGHTED_MAJORITY, 2), DRAWING, PROBLEMS)
    all_four = play(fixed("four", SelectionMethod.WEIGHTED_MAJORITY, 4), DRAWING, PROBLEMS)
    figures = measure(pairs, all_four, Bootstrap(2))
    # Right in one of two blocks, and in both; all four samples are right on both problems.
    assert figures.accuracy.value == 0.75
    assert figures.difference.value == -0.25
    assert (figures.samples, figures.tokens) == (2.0, 8.5)
    assert figures.share.value == pytest.approx(17 / 34)
    assert figures.steps == (9 + 9 + 9 + 11) / 4


def test_abstentions_and_what_the_answered_are_worth() -> None:
    figures = measure_honesty(play(confident(2, parallel=1), DRAWING, PROBLEMS), Bootstrap(2))
    assert figures.abstained.value == 0.25
    assert (figures.accuracy_of_answered.value, figures.accuracy_of_abstained.value) == (1.0, 0.0)
    assert figures.confidence_of_answered == pytest.approx(0.99)
    assert figures.ece_of_mean.value == pytest.approx(0.01)


def test_no_two_rows_have_the_same_name() -> None:
    for rows in (TABLE, NUMBER_TABLE, HONEST, CHECKED):
        keys = [
            (row.name, row.options.n_max, row.options.parallel, row.options.answer) for row in rows
        ]
        assert len(set(keys)) == len(keys)


def test_a_recording_is_read_back_for_the_same_drawing_only(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "samples.jsonl"
    assert read_recording(path, DRAWING) is None
    write_recording(path, DRAWING, PROBLEMS)
    assert read_recording(path, DRAWING) == PROBLEMS
    assert read_recording(path, replace(DRAWING, seed=1)) is None


def test_a_file_that_is_no_recording_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "samples.jsonl"
    path.write_text("{}\n")
    with pytest.raises(BenchError, match="samples.jsonl"):
        read_recording(path, DRAWING)
