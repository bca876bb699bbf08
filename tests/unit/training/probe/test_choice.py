"""Splits of a file, and the regularisation that held-out problems choose."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold

from laserve.errors import ConfigurationError, DataError
from laserve_training.probe.choose import (
    FOLDS,
    Choice,
    choose_regularisation,
    strongest_near_best,
)
from laserve_training.probe.features import Features, load_features, save_features
from laserve_training.probe.fit import Regularisation, RowScore, Solutions, fit_row
from laserve_training.probe.positions import LogitScale, Positions
from laserve_training.probe.source import task_table

PROBLEMS, SAMPLES, WIDTH = 40, 6, 24
SCORE = RowScore(c_ref=-30.0, beta_v=0.1, logits=LogitScale())


def drawn() -> tuple[Positions, np.ndarray, np.ndarray]:
    """Hidden states of which one coordinate tells the verdict, and what was finished."""
    rng = np.random.default_rng(0)
    finished_PN = rng.random((PROBLEMS, SAMPLES)) < 0.8
    correct_PN = (rng.random((PROBLEMS, SAMPLES)) < 0.4) & finished_PN
    count = int(finished_PN.sum())
    hidden_ND = rng.normal(size=(count, WIDTH))
    hidden_ND[:, 0] = 2.0
    hidden_ND[:, 1] = correct_PN[finished_PN] + 0.8 * rng.normal(size=count)
    others_N = 10.0 + hidden_ND[:, 2]
    at = Positions(torch.from_numpy(hidden_ND).float(), torch.from_numpy(others_N).float())
    return at, correct_PN, finished_PN


def test_the_figures_of_a_choice_are_of_problems_that_were_left_out() -> None:
    at, correct_PN, finished_PN = drawn()
    choice = choose_regularisation(at, correct_PN, finished_PN, SCORE)
    problem_M = np.nonzero(finished_PN)[0]
    correct_M = torch.from_numpy(correct_PN[finished_PN])
    scores_M = np.empty(len(problem_M))
    for fit, held_out in GroupKFold(FOLDS).split(problem_M, groups=problem_M):
        solutions = Solutions(at[torch.from_numpy(fit)], correct_M[fit], SCORE)
        row_D = fit_row(solutions, choice.regularisation)
        scores_M[held_out] = SCORE.scores(row_D, at[torch.from_numpy(held_out)]).numpy()
    assert choice.auroc == pytest.approx(roc_auc_score(correct_M, scores_M), abs=1e-12)
    within = [
        roc_auc_score(correct_M[problem_M == p], scores_M[problem_M == p])
        for p in range(PROBLEMS)
        if 0 < correct_PN[p].sum() < finished_PN[p].sum()
    ]
    assert choice.auroc_within == pytest.approx(np.mean(within), abs=1e-12)
    # The coordinate alone, which is the most that can be known.
    best = roc_auc_score(correct_M, at.hidden_ND[:, 1])
    assert choice.auroc > best - 0.05


def test_the_strongest_ridge_is_taken_that_costs_next_to_nothing() -> None:
    choices = [
        Choice(Regularisation(ridge, 1e-3, False), auroc, auroc)
        for ridge, auroc in ((0.1, 0.80), (1.0, 0.795), (1.0, 0.793), (10.0, 0.78))
    ]
    assert strongest_near_best(choices) is choices[1]


def test_too_few_problems_are_refused() -> None:
    at, correct_PN, finished_PN = drawn()
    finished_PN[4:] = False
    with pytest.raises(DataError, match="4 problems have a finished solution, and 5"):
        choose_regularisation(at, correct_PN, finished_PN, SCORE)


def test_features_are_found_under_their_key_only(tmp_path: Path) -> None:
    at = drawn()[0]
    path = tmp_path / "features.safetensors"
    assert load_features(path, "one") is None
    save_features(path, Features(at, at[torch.arange(3)], at[torch.arange(2)]), "one")
    assert load_features(path, "another") is None
    found = load_features(path, "one")
    assert found is not None
    assert (len(found.ends), len(found.texts), len(found.held_out)) == (len(at), 3, 2)
    assert torch.equal(found.ends.hidden_ND, at.hidden_ND)


def test_a_file_is_split_by_question(tmp_path: Path) -> None:
    rows = [{"prompt": f"{n // 2} + 1?", "answer": n // 2 + 1, "source": n} for n in range(80)]
    (tmp_path / "sums.jsonl").write_text("\n".join(map(json.dumps, rows)))
    table = task_table(str(tmp_path / "sums.jsonl"), tmp_path / "data")
    assert table["kind"] == "file"
    splits = {
        split: [json.loads(line) for line in Path(table[split]).read_text().splitlines()]
        for split in ("train", "calibration", "test")
    }
    assert {split: len(members) for split, members in splits.items()} == {
        "train": 40,
        "calibration": 20,
        "test": 20,
    }
    asked = [row["messages"][0]["content"] for rows in splits.values() for row in rows[::2]]
    assert len(set(asked)) == len(asked) == 40  # each question's two rows stand together
    every = sorted(row["source"] for members in splits.values() for row in members)
    assert every == list(range(80))


def test_what_is_neither_file_nor_task_is_refused(tmp_path: Path) -> None:
    assert task_table("sums", tmp_path) == {"kind": "sums"}
    assert task_table("reasoning_gym:chain_sum", tmp_path)["dataset"] == "chain_sum"
    with pytest.raises(ConfigurationError, match="is no file and no task"):
        task_table("nothing", tmp_path)
