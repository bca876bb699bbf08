"""The modules for other tools where the demo checkpoint does not get: answers that are wrong,
structured, or of a model whose name misleads. What they are for: tests/e2e/test_integrations.py."""

from functools import reduce
from operator import add
from typing import Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk
from openai import OpenAI
from openai.types.chat.chat_completion import Choice
from pydantic import SecretStr, ValidationError

from laserve_client import InvalidResponseError
from laserve_client.integrations.langchain import ChatLaServe, selection, self_reward
from laserve_client.integrations.openai import self_reward as reward_of_choice
from tests.unit.client.fake_server import MODEL, TEXT, FakeLaServe

SCHEMA = {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}}}


def chat(fake: FakeLaServe, model: str = MODEL, **more: Any) -> ChatLaServe:
    return ChatLaServe(base_url=f"{fake.url}/v1", api_key=SecretStr("none"), model=model, **more)


def test_structured_output_has_the_verdict_invoked_and_streamed(fake: FakeLaServe) -> None:
    bound = chat(fake, extra_body={"selection": {"n_max": 8}}).bind(response_format=SCHEMA)
    chunks: list[Any] = list(bound.stream("1 + 1?"))
    whole: AIMessageChunk = reduce(add, chunks)
    for message in (whole, bound.invoke("1 + 1?")):
        assert message.content == TEXT
        reward, found = self_reward(message), selection(message)
        assert reward is not None
        assert found is not None
        assert (reward.score, found.samples_used) == (0.9, 8)


def test_a_stream_of_several_choices_adds_up(fake: FakeLaServe) -> None:
    whole: AIMessageChunk = reduce(add, chat(fake, n=2).stream("1 + 1?"))
    reward = self_reward(whole)
    assert reward is not None
    assert reward.score == 0.9


@pytest.mark.parametrize("model", ["my-codex", "gpt-5-pro"])
def test_a_models_name_does_not_lead_to_the_responses_api(fake: FakeLaServe, model: str) -> None:
    whole: AIMessageChunk = reduce(add, chat(fake, model).stream("1 + 1?"))
    for message in (whole, chat(fake, model).invoke("1 + 1?")):
        assert self_reward(message) is not None
    assert fake.paths() == ["/v1/chat/completions"] * 2


def test_the_responses_api_is_refused(fake: FakeLaServe) -> None:
    with pytest.raises(ValidationError, match="the score of a response would be lost"):
        chat(fake, use_responses_api=True)
    assert chat(fake, use_responses_api=None).use_responses_api is False


def test_a_message_of_another_model_has_none() -> None:
    assert self_reward(AIMessage("2")) is None
    assert selection(AIMessage("2")) is None


def test_a_verdict_that_is_not_what_the_api_says_is_an_error_of_the_clients() -> None:
    metadata: dict[str, Any] = {"self_reward": {"score": "high"}, "selection": "mine"}
    message = AIMessage("2", response_metadata=metadata)
    with pytest.raises(InvalidResponseError, match="score"):
        self_reward(message)
    with pytest.raises(InvalidResponseError):
        selection(message)
    with pytest.raises(InvalidResponseError, match="score"):
        reward_of_choice(Choice.model_construct(**metadata))


def test_a_server_of_another_kind_gives_none(fake: FakeLaServe) -> None:
    with OpenAI(base_url=f"{fake.url}/v1", api_key="none") as client:
        answer = client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": "1 + 1?"}],
            extra_body={"self_reward": False},
        )
    assert reward_of_choice(answer.choices[0]) is None
