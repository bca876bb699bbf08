"""Where a completion ends, and z_c behind its end."""

import torch

from laserve_training.laser.sequences import append_scoring_token, scoring_positions

EOS, PAD, Z_C = 2, 0, 9


def test_the_position_after_the_last_unmasked_token_is_scored_where_that_is_an_eos() -> None:
    ids = torch.tensor([[5, EOS, PAD, PAD], [5, 6, 7, EOS], [5, 6, 7, 8]])
    mask = torch.tensor([[1, 1, 0, 0], [1, 1, 1, 1], [1, 1, 1, 1]])
    at = scoring_positions(ids, mask, {EOS, 3})
    assert at.finished_B.tolist() == [True, True, False]
    assert at.index_B[:2].tolist() == [2, 4]


def test_padding_with_the_eos_does_not_finish_a_truncated_completion() -> None:
    ids = torch.tensor([[5, 6, EOS, EOS]])
    assert not scoring_positions(ids, torch.tensor([[1, 1, 0, 0]]), {EOS}).finished_B.any()


def test_a_completion_masked_as_truncated_is_not_scored() -> None:
    ids = torch.tensor([[5, 6, 7, PAD]])
    assert not scoring_positions(ids, torch.zeros(1, 4).long(), {EOS}).finished_B.any()


def test_any_of_several_eos_ends_a_completion() -> None:
    ids = torch.tensor([[5, 3]])
    assert scoring_positions(ids, torch.ones(1, 2).long(), {EOS, 3}).finished_B.all()


def test_z_c_follows_each_eos_and_nothing_else_changes() -> None:
    ids = torch.tensor([[PAD, 4, 5, EOS, PAD], [4, 4, 5, 6, EOS], [4, 4, 5, 6, 7]])
    mask = torch.tensor([[0, 1, 1, 1, 0], [1, 1, 1, 1, 1], [1, 1, 1, 1, 1]])
    at = scoring_positions(ids[:, 2:], mask[:, 2:], {EOS})
    longer, longer_mask = append_scoring_token(ids, mask, 2, at, Z_C)
    assert longer.tolist() == [
        [PAD, 4, 5, EOS, Z_C, PAD],
        [4, 4, 5, 6, EOS, Z_C],
        [4, 4, 5, 6, 7, 7],
    ]
    assert longer_mask.tolist() == [[0, 1, 1, 1, 1, 0], [1] * 6, [1, 1, 1, 1, 1, 0]]
