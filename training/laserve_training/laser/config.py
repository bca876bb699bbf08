"""The trainer's arguments: GRPO's and LaSeR's."""

import math
from dataclasses import dataclass, field
from typing import Any, cast, get_args

from trl import GRPOConfig

from laserve.core.score import PAPER_BETA_V, is_target_reachable
from laserve.errors import ConfigurationError
from laserve_training.laser.advantages import Schedule
from laserve_training.laser.generation import check_generation
from laserve_training.laser.options import LaSeROptions, Reference


@dataclass
class LaSeRConfig(LaSeROptions, GRPOConfig):
    """TRL's `GRPOConfig`, the options of LaSeR, and the constants of the score.

    Raises ConfigurationError for a combination that cannot work, and why.
    """

    z_c: int = field(default=-1, metadata={"help": "Id of the score token."})
    c_ref: float = field(
        default=0.0, metadata={"help": "Mean log p(z_c) after an EOS of the reference model, nats."}
    )
    beta_v: float = field(default=PAPER_BETA_V, metadata={"help": "Scale of the score, per nat."})

    def __post_init__(self) -> None:
        super().__post_init__()  # type: ignore[no-untyped-call]
        if self.z_c < 0:
            raise ConfigurationError("z_c is missing: give the id of the score token")
        check_target(self.c_ref, self.beta_v)
        if self.reference not in get_args(Reference):
            raise ConfigurationError(f"reference={self.reference!r}: give 'constant' or 'model'")
        if self.reference == "model" and self.beta == 0:
            raise ConfigurationError(
                "reference='model' needs the reference model's forward pass, which only a KL term "
                "brings: set beta above 0, or reference='constant'"
            )
        if self.use_transformers_continuous_batching:
            raise ConfigurationError(
                "use_transformers_continuous_batching: its rollouts come without a score. Turn it "
                "off, or use_vllm on"
            )
        if self.use_vllm and not self.vllm_importance_sampling_correction:
            raise ConfigurationError(
                "use_vllm with vllm_importance_sampling_correction=False: the score of a rollout "
                "is read in the forward pass that the correction makes. Leave it on"
            )
        check_generation(cast(dict[str, Any], self.generation_kwargs or {}), self.use_vllm)
        if not self.use_vllm and self.repetition_penalty != 1.0:
            raise ConfigurationError(
                f"repetition_penalty={self.repetition_penalty} changes the distribution that a "
                "rollout's score is read from. Leave it at 1, or use_vllm"
            )
        # TRL has filled in what was not given.
        reuse = self.num_iterations * cast(int, self.steps_per_generation)
        window = reuse // self.gradient_accumulation_steps
        saves_best = self.save_strategy == "best" and self.eval_strategy == "steps"
        for key, counts in (
            ("save_steps", self.save_strategy == "steps"),
            ("eval_steps", saves_best),
        ):
            if counts and window > 1 and getattr(self, key) % window:
                raise ConfigurationError(
                    f"{key}={getattr(self, key)} lies between two generations, which come every "
                    f"{window} steps: a resumed run would go on differently. Give a multiple"
                )

    def steps(self, problems: int) -> int:
        """Optimizer steps of a whole run on so many problems, as the trainer counts them."""
        if self.max_steps > 0:
            return self.max_steps
        # TRL has filled in what was not given.
        per_generation = cast(int, self.generation_batch_size) // cast(int, self.num_generations)
        uses = self.num_iterations * cast(int, self.steps_per_generation)
        batches = problems // per_generation * uses
        per_epoch = math.ceil(batches / self.gradient_accumulation_steps)
        return math.ceil(self.num_train_epochs * per_epoch)

    @property
    def schedule(self) -> Schedule:
        """The phases."""
        return Schedule(
            self.reasoning_warmup_steps, self.self_reward_warmup_steps, self.policy_start_step
        )


def check_target(c_ref: float, beta_v: float) -> None:
    """Raise ConfigurationError where no log-probability gives a correct solution its score of 1."""
    if c_ref >= 0:
        raise ConfigurationError(f"c_ref={c_ref} is no mean log-probability: it is below 0")
    if not is_target_reachable(c_ref, beta_v):
        raise ConfigurationError(
            f"score.beta_v={beta_v} is too small for c_ref={c_ref:.2f}: a score of 1 needs "
            f"log p = c_ref + 1/beta_v = {c_ref + 1 / beta_v:.2f}, and log p cannot exceed 0. "
            f"Give a score.beta_v above {1 / abs(c_ref):.3f}"
        )
