"""One training step on a scripted batch of 8 solutions, in as many processes as it is started in:
by itself, or in each with torchrun's environment variables.

    python -m tests.integration.training.distributed_step MODEL OUTPUT Z_C BATCH ACCUMULATION

Writes OUTPUT: the weights after the step, the batch's targets and weights by solution, and what
was logged; of an evaluation of three problems its metrics; and what the processes agree on.
"""

import sys
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from accelerate.utils import gather_object

from laserve.errors import DataError
from laserve_training.evaluation.held_out import held_out_figures
from laserve_training.laser.rollouts import LOGPROB_KEY
from laserve_training.laser.trainer import TARGETS, WEIGHTS
from laserve_training.processes import in_every, on_main
from tests.integration.training.conftest import BASE, TrainerFactory
from tests.tiny_model import TinyModel

SOLUTIONS = 8
FIRST_TOKEN = 65


class ScriptedRollouts:
    """A fake of sampling: the solutions of the global batch are given. The last is truncated."""

    def __init__(self, eos: int) -> None:
        self._eos = eos

    def __call__(self, prompts: list[Any], trainer: Any) -> dict[str, Any]:
        prompt_ids, _, _ = trainer._tokenize_prompts(prompts)
        first = trainer.accelerator.process_index * len(prompts)
        rows = range(first, first + len(prompts))
        ended = [row < SOLUTIONS - 1 for row in rows]
        return {
            "prompt_ids": prompt_ids,
            "completion_ids": [
                [FIRST_TOKEN + row] * (1 + row % 4) + [self._eos] * is_ended
                for row, is_ended in zip(rows, ended, strict=True)
            ],
            "logprobs": None,
            LOGPROB_KEY: [
                -14.0 + row if is_ended else float("nan")
                for row, is_ended in zip(rows, ended, strict=True)
            ],
        }


def is_expected(completion_ids: list[list[int]], **_: Any) -> list[float]:
    """A verifier: the first three solutions are correct, and the truncated one too."""
    return [float(ids[0] - FIRST_TOKEN in (0, 1, 2, SOLUTIONS - 1)) for ids in completion_ids]


def main(model: str, output: str, z_c: int, batch: int, accumulation: int) -> None:
    tiny = TinyModel(Path(model), z_c, primary_eos=-1, secondary_eos=-1, vocab_size=-1)
    factory = TrainerFactory(tiny, Path(output).parent)
    eos = int(factory.tokenizer().eos_token_id)
    trainer = factory(
        rewards=[is_expected],
        options={
            "rollout_func": ScriptedRollouts(eos),
            "measure_held_out": held_out_figures,
        },
        **{
            **BASE,
            "per_device_train_batch_size": batch,
            "gradient_accumulation_steps": accumulation,
            # Of two problems, so that the last batch of three is not full.
            "per_device_eval_batch_size": 2 * batch * accumulation,
            "num_generations": SOLUTIONS,
            "tau": 0.5,
            "optim": "sgd",
            "learning_rate": 1.0,
            "use_cpu": True,
        },
    )
    seen: list[tuple[int, float, float]] = []
    generate = trainer._generate_and_score_completions

    def watched(inputs: list[dict[str, Any]]) -> dict[str, Any]:
        scored: dict[str, Any] = generate(inputs)
        for ids, target, weight in zip(
            scored["completion_ids"], scored[TARGETS], scored[WEIGHTS], strict=True
        ):
            seen.append((int(ids[0]) - FIRST_TOKEN, float(target), float(weight)))
        return scored

    trainer._generate_and_score_completions = watched
    trainer.train()
    every = sorted(gather_object(seen))
    logged = dict(trainer.state.log_history[0])
    metrics = trainer.evaluate(trainer.train_dataset.select(range(3)))
    number = trainer.accelerator.process_index
    agreed = {"every": in_every(lambda: number), "main": on_main(lambda: number)}
    try:
        in_every(lambda: fail(number))
    except DataError as error:
        agreed["error"] = str(error)
    if trainer.accelerator.is_main_process:
        weights = trainer.accelerator.unwrap_model(trainer.model).state_dict()
        torch.save(
            {
                "weights": weights,
                "solutions": every,
                "logged": logged,
                "metrics": metrics,
                "agreed": agreed,
            },
            output,
        )


def fail(number: int) -> None:
    """Fails in the last process only."""
    if number == PartialState().num_processes - 1:
        raise DataError(f"process {number}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
