"""The self-reward score: the one definition of its formula.

For a prompt x and a solution y that ends with its EOS (arXiv 2510.14943, LaSeR):

    r_s = beta_v * ( log pi_theta(z_c | x, y) - c_ref )
"""

import math
from dataclasses import dataclass, field

from laserve.core.calibration import Calibration
from laserve.core.judged import JudgedSamples
from laserve.core.types import Method, SelfReward, Status
from laserve.errors import ConfigurationError

DEFAULT_THRESHOLD = 0.5
"""A score above it predicts 'correct': half way between the training targets 0 and 1."""

PAPER_BETA_V = 0.1
"""beta_v of the paper's checkpoints (arXiv 2510.14943), per nat."""


def self_reward_score(logprob: float, c_ref: float, beta_v: float) -> float:
    """r_s = beta_v * (logprob - c_ref), for log pi(z_c | x, y) in nats; arXiv 2510.14943."""
    return beta_v * (logprob - c_ref)


@dataclass(frozen=True, slots=True)
class ScoreParameters:
    """The constants of one checkpoint's score. Raises ConfigurationError where they cannot be."""

    z_c: int
    """Id of the token whose log-probability is read; it never occurs in text."""
    eos_token_ids: frozenset[int]
    """The tokens that end a completion; the score is read right after one of them."""
    c_ref: float
    """Mean log-probability (nats) of z_c at that place under the reference model."""
    beta_v: float
    """Scale of the score, per nat."""
    threshold: float
    """A score above it predicts 'correct'."""
    checkpoint: str
    """Name of the checkpoint, as answers state it."""
    calibration: Calibration | None = None
    """Maps a score to a probability of being correct; None where nothing was fitted."""
    judged: JudgedSamples | None = field(default=None, compare=False, repr=False)
    """What the risk of answering can be bounded from; None where nothing is known."""
    version: int | None = None
    """Which of the checkpoints that a server made active, from 1; None without a server."""
    weights: str | None = None
    """A short hash of its weights (`weights_hash`); None where none is known."""

    def __post_init__(self) -> None:
        if self.z_c < 0 or any(token < 0 for token in self.eos_token_ids):
            raise ConfigurationError(
                f"token ids cannot be negative: z_c={self.z_c}, "
                f"eos_token_ids={sorted(self.eos_token_ids)}"
            )
        if not self.eos_token_ids:
            raise ConfigurationError(
                "eos_token_ids is empty: the score is read after an EOS, so name at least one"
            )
        if self.z_c in self.eos_token_ids:
            raise ConfigurationError(
                f"z_c={self.z_c} is one of the EOS tokens {sorted(self.eos_token_ids)}: "
                "choose a token that never occurs in text"
            )
        if not (math.isfinite(self.c_ref) and self.c_ref <= 0):
            raise ConfigurationError(
                f"c_ref={self.c_ref} is no mean log-probability: give a finite number of at most "
                "0, as `laserve measure-ref` measures it"
            )
        if not (math.isfinite(self.beta_v) and self.beta_v > 0):
            raise ConfigurationError(f"beta_v={self.beta_v} must be a finite number above 0")
        if not math.isfinite(self.threshold):
            raise ConfigurationError(f"threshold={self.threshold} must be a finite number")
        if not self.checkpoint:
            raise ConfigurationError("checkpoint is empty: name the checkpoint")

    def score(self, logprob: float) -> float:
        """The score for log pi(z_c | x, y), in nats."""
        return self_reward_score(logprob, self.c_ref, self.beta_v)

    def reward(self, logprob: float, method: Method) -> SelfReward:
        """The self-reward of a completion whose log pi(z_c | x, y) was read (nats).

        An infinite or undefined `logprob` gives the status `non_finite` and no number.
        """
        if not math.isfinite(logprob):
            return self.unscored(Status.NON_FINITE, method)
        score = self.score(logprob)
        return SelfReward(
            score=score,
            logprob=logprob,
            confidence=None if self.calibration is None else self.calibration.confidence(score),
            status=Status.SCORED,
            method=method,
            checkpoint=self.checkpoint,
            checkpoint_version=self.version,
            weights=self.weights,
        )

    def unscored(self, status: Status, method: Method | None = None) -> SelfReward:
        """The self-reward of a completion without a score, and `status` says why."""
        return SelfReward(
            score=None,
            logprob=None,
            status=status,
            method=method,
            checkpoint=self.checkpoint,
            checkpoint_version=self.version,
            weights=self.weights,
        )


def is_target_reachable(c_ref: float, beta_v: float) -> bool:
    """Whether a score of 1 exists: it needs log p = c_ref + 1/beta_v (nats), which must be below
    0. Training towards a target that does not exist wrecks a policy; serving does not need it."""
    return c_ref + 1 / beta_v < 0
