"""The self-rewards of one HTTP request, from the engine into the answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fastapi import Request
from vllm.entrypoints.openai.responses.protocol import ResponsesResponse

from laserve.api.schemas import ScoredRequest
from laserve.api.state import LaServeState
from laserve.core.score import ScoreParameters
from laserve.core.types import SelfReward, Status
from laserve.scoring.recorder import Recorder, recording


class Rewards:
    """What a recorder heard, and `unsupported` where it heard nothing."""

    def __init__(self, recorder: Recorder, parameters: ScoreParameters) -> None:
        self._recorder = recorder
        self._missing = parameters.unscored(Status.UNSUPPORTED)
        self.checkpoint = parameters.checkpoint

    def of_choice(self, index: int) -> SelfReward:
        """The reward of one choice of a chat or text completion."""
        return self._recorder.rewards.get(index, self._missing)

    def of_answer(self) -> SelfReward:
        """The reward of the one answer of the Responses and Messages APIs."""
        return self._recorder.last() or self._missing

    def into_choices(self, body: dict[str, Any]) -> None:
        """Give each choice in `body`, a completion or a chunk of one, its `self_reward`."""
        for choice in body["choices"]:
            choice["self_reward"] = self.of_choice(choice["index"]).model_dump(mode="json")

    def into_answer(self, body: dict[str, Any]) -> None:
        """Give `body`, a message or the last event of one, its `self_reward`."""
        body["self_reward"] = self.of_answer().model_dump(mode="json")

    def onto_response(self, response: ResponsesResponse) -> None:
        """Give a response its `self_reward`; the class takes fields that it does not know."""
        response.self_reward = self.of_answer()  # type: ignore[attr-defined]


@contextmanager
def scoring(request: ScoredRequest, raw_request: Request) -> Iterator[Rewards | None]:
    """Score what is generated inside this block, where the request wants that; else give None.

    Raises RequestError where the request has a field that LaServe refuses.
    """
    request.refuse_unfit()
    state: LaServeState = raw_request.app.state.laserve
    if not request.self_reward:
        yield None
    elif not request.scorable:
        yield Rewards(Recorder(), state.parameters)
    else:
        with recording() as recorder:
            yield Rewards(recorder, state.parameters)
