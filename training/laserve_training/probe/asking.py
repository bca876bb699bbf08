"""What a base is asked for: solutions of training problems, and texts of its own."""

import hashlib
import json
from dataclasses import dataclass

from laserve.core.checkpoint_files import hash_files
from laserve_training.config import Config
from laserve_training.evaluation.prompts import prompts_of
from laserve_training.evaluation.sampling import SampleRequest
from laserve_training.probe.base import Base
from laserve_training.probe.texts import text_requests
from laserve_training.problem import Problem


@dataclass(frozen=True, slots=True)
class Asked:
    """Of one base, one task, and one seed."""

    solutions: list[SampleRequest]
    """Of the training problems."""
    texts: list[SampleRequest]
    argv: list[str]
    """Flags of `laserve serve` for the engine to ask."""

    @property
    def key(self) -> str:
        """The same where all of it is: a hash in hex."""
        keys = "\n".join(request.key for request in (*self.solutions, *self.texts))
        return hashlib.sha256(keys.encode()).hexdigest()


def ask_for_probe(config: Config, base: Base, problems: list[Problem], texts: int) -> Asked:
    """`evaluate.samples` solutions to each problem, and `texts` texts. Raises DataError for a
    problem of no use."""
    table, z_c = config.evaluate, base.token.token_id
    prompts = prompts_of(
        problems,
        base.model,
        base.tokenizer,
        z_c=z_c,
        max_tokens=table.max_tokens,
        chat_template_kwargs=config.model.chat_template_kwargs,
    )
    asked = f"{json.dumps(hash_files(base.folder))} {z_c} {' '.join(table.engine_flags)}"
    subject = hashlib.sha256(asked.encode()).hexdigest()
    solutions = [
        SampleRequest(
            problem,
            tuple(prompts[problem.where]),
            table.samples,
            table.max_tokens,
            table.temperature,
            # Far apart: the engine gives the n samples of one request consecutive seeds.
            seed=(config.seed * len(problems) + index) * table.samples,
            subject=subject,
        )
        for index, problem in enumerate(problems)
    ]
    score = config.score
    # With "=": a number below 0 looks like a flag.
    constants = [f"--z-c={z_c}", f"--c-ref={score.c_ref}", f"--beta-v={score.beta_v}"]
    return Asked(
        solutions,
        text_requests(base.tokenizer, {z_c}, texts, config.seed, subject),
        [str(base.folder), *constants, *table.engine_flags],
    )
