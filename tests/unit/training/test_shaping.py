"""Rewards beside the verifier's, as a configuration names them."""

from pathlib import Path
from typing import Any

import pytest

from laserve.errors import ConfigurationError
from laserve_training.config import LaserTable, load_config
from laserve_training.shaping import reward_weights, shaping_rewards
from tests.unit.training.test_config import MINIMAL

REWARDS = r"""
[laser]
max_completion_length = 10

[[laser.rewards]]
kind = "format"
pattern = '<think>.*</think>\s*\S.*'
weight = 0.2

[[laser.rewards]]
kind = "length"
buffer = 4
weight = 0.5

[[laser.rewards]]
kind = "function"
function = "tests.unit.training.test_shaping:count_of_letters"
weight = -0.01
"""


def count_of_letters(completions: list[Any], **_: Any) -> list[float]:
    return [float(len(one[0]["content"])) for one in completions]


def laser_table(folder: Path, text: str = REWARDS) -> LaserTable:
    (folder / "mine.toml").write_text(MINIMAL + text)
    return load_config(folder / "mine.toml").laser


def test_each_reward_is_computed_and_the_verifiers_weight_comes_first(tmp_path: Path) -> None:
    table = laser_table(tmp_path)
    texts = ["<think>\na\n</think>\nb", "b"]
    given = {
        "completions": [[{"role": "assistant", "content": text}] for text in texts],
        "completion_ids": [[1] * 6, [1] * 8],
        "prompts": [],
    }
    rewards = [reward(**given) for reward in shaping_rewards(table)]
    # 10 tokens at most and a buffer of 4: 0 up to 6 tokens, and -1/2 at 8.
    assert rewards == [[1.0, 0.0], [0.0, -0.5], [float(len(text)) for text in texts]]
    assert reward_weights(table) == [1.0, 0.2, 0.5, -0.01]
    assert reward_weights(LaserTable()) == [1.0]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("</think>", "(", "is no regular expression"),
        ("buffer = 4", "buffer = 11", "above max_completion_length"),
        ("weight = 0.5", "", "weight`: Field required"),
        ('kind = "length"', 'kind = "tempo"', "`laser.rewards.1`"),
    ],
)
def test_a_reward_that_cannot_be_is_refused(
    tmp_path: Path, old: str, new: str, reason: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        laser_table(tmp_path, REWARDS.replace(old, new))
    assert reason in str(refused.value)


def test_a_function_that_is_not_there_is_refused(tmp_path: Path) -> None:
    table = laser_table(tmp_path, REWARDS.replace("count_of_letters", "nothing"))
    with pytest.raises(ConfigurationError, match="reward .* has no nothing"):
        shaping_rewards(table)
