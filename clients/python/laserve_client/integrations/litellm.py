"""LiteLLM: it sets the verdict apart, in other places of an answer and of a stream.

    answer = litellm.completion(model="openai/" + model, api_base=url, messages=messages)
    print(self_reward(answer.choices[0]))

A callback has the answers of what is built on LiteLLM.
"""

from collections.abc import Callable
from typing import Any

from laserve_client._types import Selection, SelfReward
from laserve_client.integrations._extras import needed
from laserve_client.integrations._places import field, selection_of, self_reward_of

with needed("litellm"):
    from litellm.integrations.custom_logger import CustomLogger


class SelfRewardCallback(CustomLogger):  # type: ignore[misc]  # its types are not read
    """One of `litellm.callbacks`: `receive` is called with each answer that has a score, a
    `ModelResponse` whether it was streamed or not, and with the verdicts of its choices.

    It reaches the answers of whatever is built on LiteLLM. LiteLLM logs what `receive` raises.
    """

    def __init__(self, receive: Callable[[Any, list[SelfReward | None]], None]) -> None:
        super().__init__()
        self._receive = receive

    def log_success_event(
        self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        """LiteLLM calls it after a call."""
        rewards = [self_reward_of(choice) for choice in field(response_obj, "choices") or ()]
        if any(reward is not None for reward in rewards):
            self._receive(response_obj, rewards)

    async def async_log_success_event(
        self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        """LiteLLM calls it after an asynchronous call."""
        self.log_success_event(kwargs, response_obj, start_time, end_time)


def self_reward(choice: Any) -> SelfReward | None:
    """The model's verdict on a choice of `litellm.completion(...)`, of its chunks, or of what
    `litellm.stream_chunk_builder` makes of them. None where scoring was turned off, and on chunks
    without it: it comes before the one with the finish reason.

    Raises InvalidResponseError.
    """
    return self_reward_of(choice)


def selection(answer: Any) -> Selection | None:
    """How an answer was selected; of one that `litellm.stream_chunk_builder` made without the
    candidates. None where no selection was asked for, and on chunks without it.

    Raises InvalidResponseError.
    """
    return selection_of(answer)
