"""The self-rewards of one HTTP request, from the engine into the answer."""

from typing import Any

from vllm.entrypoints.openai.responses.protocol import ResponsesResponse

from laserve.api.generating.deltas import keep
from laserve.api.generating.schemas import ScoredRequest
from laserve.core.score import ScoreParameters
from laserve.core.types import SelfReward, Status
from laserve.scoring.rewards import Rewards
from laserve.serving.scope import bound_scope


class AnsweredRewards:
    """What the engine left, and `unsupported` where it left nothing."""

    def __init__(self, rewards: Rewards, parameters: ScoreParameters) -> None:
        self._rewards = rewards
        self._missing = parameters.unscored(Status.UNSUPPORTED)
        self.parameters = parameters

    def of_choice(self, index: int) -> SelfReward:
        """The reward of one choice of a chat or text completion."""
        return self._rewards.by_choice.get(index, self._missing)

    def of_answer(self) -> SelfReward:
        """The reward of the one answer of the Responses and Messages APIs."""
        return self._rewards.last() or self._missing

    def into_choices(self, body: dict[str, Any]) -> None:
        """Give each choice in `body`, a completion or a chunk of one, its `self_reward`."""
        for choice in body["choices"]:
            reward = self.of_choice(choice["index"]).model_dump(mode="json")
            choice["self_reward"] = reward
            keep(choice, "self_reward", reward)

    def into_answer(self, body: dict[str, Any]) -> None:
        """Give `body`, a message or the last event of one, its `self_reward`."""
        body["self_reward"] = self.of_answer().model_dump(mode="json")

    def onto_response(self, response: ResponsesResponse) -> None:
        """Give a response its `self_reward`; the class takes fields that it does not know."""
        response.self_reward = self.of_answer()  # type: ignore[attr-defined]


def ask_for_rewards(request: ScoredRequest) -> AnsweredRewards | None:
    """Have what is generated for this HTTP request scored, where it wants that; else None.

    Raises RequestError where the request has a field that LaServe refuses.
    """
    request.refuse_unfit()
    if not request.self_reward:
        return None
    scope, rewards = bound_scope(), Rewards()
    if request.scorable:
        scope.rewards = rewards
    return AnsweredRewards(rewards, scope.deployment.parameters)
