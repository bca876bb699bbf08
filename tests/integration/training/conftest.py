"""A tiny model and trainers on it."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from laserve.reference.load import load_model
from laserve_training.laser.config import LaSeRConfig
from laserve_training.laser.trainer import LaSeRTrainer
from laserve_training.models import training_tokenizer
from tests.integration.training.small_run import run
from tests.tiny_model import TinyModel, build_tiny_model

QUESTIONS = [f"What is {number} + {number % 7}?" for number in range(16)]
BASE: dict[str, Any] = {
    "per_device_train_batch_size": 8,
    "num_generations": 4,
    "max_completion_length": 16,
    "max_steps": 1,
    "learning_rate": 1e-3,
    "bf16": False,
    "gradient_checkpointing": False,
    "report_to": [],
    "save_strategy": "no",
    "dataloader_pin_memory": False,
    "disable_tqdm": True,
    "logging_steps": 1,
    "c_ref": -14.0,
    "reasoning_warmup_steps": 0,
    "self_reward_warmup_steps": 0,
}
"""Every phase at once."""


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyModel:
    """Answers of a few tokens, some of them cut at 16."""
    return build_tiny_model(tmp_path_factory.mktemp("training") / "tiny", eos_bias=3.0)


def is_even(completions: list[Any], **_: Any) -> list[float]:
    """A verifier that says yes about half of the time, whatever the answer means."""
    return [float(len(completion[0]["content"]) % 2 == 0) for completion in completions]


@dataclass(frozen=True)
class Trained:
    """A whole run."""

    output: Path
    fine_tuned: Path
    """What its output folder was before `laser`."""


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A run of all four commands, which tests share: they leave its folders as they are."""
    folder = tmp_path_factory.mktemp("trained")
    output = folder / "run"
    for command in ("sft", "measure-ref"):
        run(command, output)
    fine_tuned = shutil.copytree(output, folder / "fine-tuned")
    for command in ("laser", "evaluate"):
        run(command, output)
    return Trained(output, fine_tuned)


@dataclass(frozen=True)
class TrainerFactory:
    """Makes trainers on fresh copies of the tiny model."""

    tiny: TinyModel
    folder: Path

    def tokenizer(self) -> PreTrainedTokenizerBase:
        return training_tokenizer(str(self.tiny.path))

    def model(self) -> PreTrainedModel:
        return load_model(str(self.tiny.path), "float32")

    def __call__(
        self,
        trainer_class: Callable[..., Any] = LaSeRTrainer,
        config_class: Callable[..., Any] = LaSeRConfig,
        rewards: Any = None,
        options: dict[str, Any] | None = None,
        **arguments: Any,
    ) -> Any:
        if config_class is LaSeRConfig:
            arguments = {"z_c": self.tiny.z_c, **BASE, **arguments}
        return trainer_class(
            self.model(),
            args=config_class(**{"output_dir": str(self.folder), **arguments}),
            reward_funcs=rewards or [is_even],
            train_dataset=Dataset.from_list(
                [
                    {"prompt": [{"role": "user", "content": question}], "problem": index}
                    for index, question in enumerate(QUESTIONS)
                ]
            ),
            processing_class=self.tokenizer(),
            **(options or {}),
        )


@pytest.fixture
def make_trainer(tiny: TinyModel, tmp_path: Path) -> TrainerFactory:
    return TrainerFactory(tiny, tmp_path)
