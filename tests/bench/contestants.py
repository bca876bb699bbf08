"""Who races: one way each to get an answer, and how to see that it was really that way."""

from dataclasses import dataclass, field
from typing import Any, Literal

from tests.bench.errors import BenchError
from tests.bench.load import Answer

Program = Literal["vllm", "laserve"]


@dataclass(frozen=True)
class Contestant:
    """One column of the race.

    Attributes:
        name: as the tables show it.
        program: the server that it asks.
        fields: what it adds to every request's body.
        method: the `self_reward.method` that its answers must carry; None for no reward at all.
        explanation: one line for the report.
    """

    name: str
    program: Program
    explanation: str
    fields: dict[str, Any] = field(default_factory=dict)
    method: str | None = None

    def check(self, answers: list[Answer]) -> None:
        """Raise BenchError where an answer was scored in another way than this one's."""
        for answer in answers:
            reward = answer.self_reward
            method = reward and reward["method"]
            if method != self.method or (reward and reward["status"] != "scored"):
                raise BenchError(f"{self.name}: the answers carry self_reward {reward}")


BASELINE = Contestant("vLLM", "vllm", "vLLM's own server, no scores")
CONTESTANTS = (
    BASELINE,
    Contestant(
        "in flight", "laserve", "LaServe: the score is read inside the generation", {}, "in_flight"
    ),
    Contestant(
        "post-hoc",
        "laserve",
        "LaServe: a second request per answer (asked for by a stop string that never occurs)",
        {"stop": ["\n"]},
        "post_hoc",
    ),
    Contestant(
        "logprobs",
        "vllm",
        "plain vLLM with the sampled token's log-probability at every step",
        {"logprobs": True, "top_logprobs": 0},
    ),
    Contestant("unscored", "laserve", "LaServe with self_reward: false", {"self_reward": False}),
)


def check_same_answers(contestant: Contestant, answers: list[Answer], plain: list[Answer]) -> None:
    """Raise BenchError unless both did the same work: token for token the same answers."""
    for number, (answer, expected) in enumerate(zip(answers, plain, strict=True)):
        if answer.content != expected.content:
            raise BenchError(
                f"{contestant.name} and {BASELINE.name} disagree about request {number}: "
                f"{answer.content} against {expected.content}. There is nothing to compare"
            )
