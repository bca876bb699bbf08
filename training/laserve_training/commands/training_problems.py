"""The problems that a run trains on, or is evaluated on meanwhile: without those whose prompts are
too long."""

import sys

from transformers import PreTrainedTokenizerBase

from laserve.errors import DataError
from laserve.reference.encode import encode_prompt
from laserve_training.config import Config
from laserve_training.problem import Problem, Split
from laserve_training.tasks.registry import make_task


def training_problems(
    config: Config,
    tokenizer: PreTrainedTokenizerBase,
    count: int | None,
    split: Split = Split.TRAIN,
) -> list[Problem]:
    """`count` problems of a split (all there are for None), and of these the ones whose prompt has
    no more than `laser.max_prompt_length` tokens; how many are left out is printed.

    Raises DataError where none is left.
    """
    problems = make_task(config.task).problems(split, count, config.seed)
    limit = config.laser.max_prompt_length
    if limit is None:
        return problems
    arguments = config.model.chat_template_kwargs
    kept = [
        problem
        for problem in problems
        if len(encode_prompt(problem.where, problem.messages, tokenizer, arguments)) <= limit
    ]
    told = f"{len(problems) - len(kept)} of {len(problems)} prompts are longer than {limit} tokens"
    if not kept:
        raise DataError(f"{told}: raise laser.max_prompt_length")
    if len(kept) < len(problems):
        print(f"{told}, and are left out", file=sys.stderr)
    return kept
