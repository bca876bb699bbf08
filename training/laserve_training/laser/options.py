"""The options of LaSeR, with the paper's values (arXiv 2510.14943): the `[laser]` table of a
configuration and the trainer's arguments both consist of these and of what is theirs alone."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field

Count = Annotated[int, Field(ge=0)]
Reference = Literal["constant", "model"]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


@dataclass
class LaSeROptions:
    """How the score is trained. The bounds are checked where a configuration is read."""

    alpha: Annotated[float, Field(ge=0.0)] = 0.1
    """Weight of the score's loss; 0 is plain GRPO."""
    class_balanced: bool = True
    """Correct and incorrect solutions get the same total weight over the whole batch."""
    reference: Reference = "constant"
    """What the log-probability is compared with in training: c_ref, or the reference model's own
    log pi_ref(z_c | x, y) of each solution (needs a KL term: trainer.beta above 0)."""
    reasoning_warmup_steps: Count = 200
    """Steps at the start that train the policy only."""
    self_reward_warmup_steps: Count = 200
    """Steps after those that train the score, and keep it out of the advantage."""
    policy_start_step: Count = 0
    """First step with a policy gradient. Before it only the score is trained, and trainer.beta
    (KL) holds the policy in place: for models that are too small to learn both at once."""
    tau: Share = 0.1
    """Share of A_self, the score's advantage, in the integration phase."""
    advantage_min_std: Annotated[float, Field(ge=0.0)] = 0.1
    """Groups whose clipped scores vary by no more keep the verifier's advantage."""
