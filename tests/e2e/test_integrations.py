"""The verdict in the tools that people use, with the demo checkpoint. LiteLLM:
test_client_scripts.py."""

from collections.abc import Iterator
from functools import reduce
from operator import add
from typing import Any

import anthropic
import openai
import pytest
from langchain_core.messages import AIMessageChunk, HumanMessage
from pydantic import SecretStr

from laserve_client import SelfReward
from laserve_client.integrations.anthropic import async_scored, scored
from laserve_client.integrations.anthropic import self_reward as reward_of_message
from laserve_client.integrations.langchain import ChatLaServe
from laserve_client.integrations.langchain import selection as selection_in_langchain
from laserve_client.integrations.langchain import self_reward as reward_in_langchain
from laserve_client.integrations.openai import selection, self_reward
from tests.e2e.server import Server

QUESTION = "2,6,6>2"
MESSAGES: list[Any] = [{"role": "user", "content": QUESTION}]
SELECTION = {"selection": {"method": "best_of_n", "n_max": 4, "return_candidates": True}}
TOLERANCE = 1e-3
"""Of a score: two ways of batching the same float32 sums, and the transport's 0.0005 nats."""


@pytest.fixture(scope="module")
def expected(demo: Server) -> float:
    """The score of the answer with seed 7."""
    answer = demo.client.chat.completions.create(model=demo.model, messages=MESSAGES, seed=7)
    return float((answer.choices[0].model_extra or {})["self_reward"]["score"])


def score(reward: SelfReward | None) -> float | None:
    assert reward is not None
    assert reward.status == "scored"
    return reward.score


class TestOpenAI:
    def request(self, demo: Server, **more: Any) -> dict[str, Any]:
        return {"model": demo.model, "messages": MESSAGES, "seed": 7, **more}

    def test_a_streams_final_completion_has_the_verdict(
        self, demo: Server, expected: float
    ) -> None:
        with demo.client.chat.completions.stream(**self.request(demo)) as stream:
            (choice,) = stream.get_final_completion().choices
        assert score(self_reward(choice)) == pytest.approx(expected, abs=TOLERANCE)

    async def test_an_asynchronous_streams_final_completion_has_the_verdict(
        self, demo: Server, expected: float
    ) -> None:
        async with (
            demo.async_client() as client,
            client.chat.completions.stream(**self.request(demo)) as stream,
        ):
            (choice,) = (await stream.get_final_completion()).choices
        assert score(self_reward(choice)) == pytest.approx(expected, abs=TOLERANCE)

    def test_choices_and_chunks_are_read_alike(self, demo: Server, expected: float) -> None:
        created = demo.client.chat.completions.create(**self.request(demo))
        assert score(self_reward(created.choices[0])) == pytest.approx(expected, abs=TOLERANCE)
        chunks = demo.client.chat.completions.create(**self.request(demo, stream=True))
        rewards = [self_reward(chunk.choices[0]) for chunk in chunks]
        assert score(rewards.pop()) == pytest.approx(expected, abs=TOLERANCE)
        assert {*rewards} == {None}

    def test_each_choice_of_a_stream_has_its_own(self, demo: Server) -> None:
        # The fourth answer is the right one.
        request = self.request(demo, n=4)
        created = demo.client.chat.completions.create(**request)
        with demo.client.chat.completions.stream(**request) as stream:
            streamed = stream.get_final_completion()
        scores = [
            {choice.index: score(self_reward(choice)) for choice in answer.choices}
            for answer in (created, streamed)
        ]
        assert scores[0] == pytest.approx(scores[1], abs=TOLERANCE)
        assert len({round(found or 0.0, 2) for found in scores[0].values()}) > 1

    def test_a_streams_final_completion_has_the_selection(self, demo: Server) -> None:
        request = self.request(demo, extra_body=SELECTION)
        created = selection(demo.client.chat.completions.create(**request))
        with demo.client.chat.completions.stream(**request) as stream:
            streamed = selection(stream.get_final_completion())
        assert created is not None
        assert streamed is not None
        assert created.candidates is not None
        assert streamed.candidates is None
        assert (streamed.answer, streamed.votes[0].count) == (
            created.answer,
            created.votes[0].count,
        )

    def test_the_message_of_a_stream_can_be_sent_back(self, demo: Server) -> None:
        with demo.client.chat.completions.stream(**self.request(demo)) as stream:
            (choice,) = stream.get_final_completion().choices
        sent, plain = (
            demo.client.chat.completions.create(
                **self.request(demo, messages=[*MESSAGES, message, *MESSAGES])
            )
            for message in (
                choice.message,
                {"role": "assistant", "content": choice.message.content},
            )
        )
        assert sent.choices[0].message.content == plain.choices[0].message.content

    def test_a_streamed_response_has_the_verdict(self, demo: Server) -> None:
        with demo.client.responses.stream(model=demo.model, input=QUESTION) as stream:
            response = stream.get_final_response()
        assert score(self_reward(response)) is not None

    def test_a_text_completion_has_the_verdict(self, demo: Server) -> None:
        answer = demo.client.completions.create(model=demo.model, prompt=QUESTION, max_tokens=30)
        assert self_reward(answer.choices[0]) is not None


class TestAnthropic:
    @pytest.fixture
    def client(self, demo: Server) -> Iterator[anthropic.Anthropic]:
        with anthropic.Anthropic(base_url=demo.base_url, api_key="any", max_retries=0) as client:
            yield client

    def request(self, demo: Server, **fields: Any) -> dict[str, Any]:
        # Greedy: the API has no seed, and its client no temperature.
        body = {"temperature": 0, **fields}
        return {"model": demo.model, "messages": MESSAGES, "max_tokens": 60, "extra_body": body}

    @pytest.mark.parametrize("beta", [False, True])
    def test_a_streams_final_message_has_the_verdict(
        self, demo: Server, client: anthropic.Anthropic, beta: bool
    ) -> None:
        messages: Any = client.beta.messages if beta else client.messages
        created = messages.create(**self.request(demo))
        with scored(messages.stream(**self.request(demo))) as stream:
            text = "".join(stream.text_stream)
            streamed = stream.get_final_message()
        assert text == streamed.content[0].text == created.content[0].text
        assert score(reward_of_message(streamed)) == pytest.approx(
            score(reward_of_message(created)), abs=TOLERANCE
        )

    def test_it_is_there_as_the_stream_ends(
        self, demo: Server, client: anthropic.Anthropic
    ) -> None:
        with scored(client.messages.stream(**self.request(demo))) as stream:
            (message,) = [event.message for event in stream if event.type == "message_stop"]
            assert reward_of_message(message) is not None
            assert stream.get_final_text() == getattr(message.content[0], "text", None)

    async def test_an_asynchronous_streams_final_message_has_the_verdict(
        self, demo: Server
    ) -> None:
        async with (
            anthropic.AsyncAnthropic(base_url=demo.base_url, api_key="any") as client,
            async_scored(client.messages.stream(**self.request(demo))) as stream,
        ):
            streamed = await stream.get_final_message()
            created = await client.messages.create(**self.request(demo))
        assert score(reward_of_message(streamed)) == pytest.approx(
            score(reward_of_message(created)), abs=TOLERANCE
        )

    def test_without_scoring_there_is_none(self, demo: Server, client: anthropic.Anthropic) -> None:
        request = self.request(demo, self_reward=False)
        with scored(client.messages.stream(**request)) as stream:
            assert reward_of_message(stream.get_final_message()) is None


class TestLangChain:
    def chat(self, demo: Server, **more: Any) -> ChatLaServe:
        return ChatLaServe(
            base_url=f"{demo.base_url}/v1",
            api_key=SecretStr("none"),
            model=demo.model,
            max_retries=0,
            seed=7,
            **more,
        )

    def test_an_answer_has_the_verdict(self, demo: Server, expected: float) -> None:
        answer = self.chat(demo).invoke(QUESTION)
        assert score(reward_in_langchain(answer)) == pytest.approx(expected, abs=TOLERANCE)
        assert answer.response_metadata["self_reward"]["status"] == "scored"
        assert answer.response_metadata["finish_reason"] == "stop"

    @pytest.mark.parametrize("usage", [False, True])
    def test_a_stream_adds_up_to_the_verdict(
        self, demo: Server, expected: float, usage: bool
    ) -> None:
        chunks = list(self.chat(demo, stream_usage=usage).stream(QUESTION))
        assert len(chunks) > 3
        whole: AIMessageChunk = reduce(add, chunks)
        assert score(reward_in_langchain(whole)) == pytest.approx(expected, abs=TOLERANCE)

    async def test_asynchronous_answers_have_the_verdict(
        self, demo: Server, expected: float
    ) -> None:
        async with openai.DefaultAsyncHttpxClient() as http:
            chat = self.chat(demo, http_async_client=http)
            answer = await chat.ainvoke(QUESTION)
            whole: AIMessageChunk = reduce(add, [chunk async for chunk in chat.astream(QUESTION)])
        assert score(reward_in_langchain(answer)) == pytest.approx(expected, abs=TOLERANCE)
        assert score(reward_in_langchain(whole)) == pytest.approx(expected, abs=TOLERANCE)

    def test_each_generation_has_its_own(self, demo: Server) -> None:
        result = self.chat(demo, n=4).generate([[HumanMessage(QUESTION)]])
        scores = {
            round(generation.message.response_metadata["self_reward"]["score"], 2)
            for generation in result.generations[0]
            if hasattr(generation, "message")
        }
        assert len(scores) > 1

    def test_a_selection_is_kept(self, demo: Server) -> None:
        chat = self.chat(demo, extra_body=SELECTION)
        answer = chat.invoke(QUESTION)
        whole: AIMessageChunk = reduce(add, chat.stream(QUESTION))
        for message in (answer, whole):
            found = selection_in_langchain(message)
            assert found is not None
            assert found.candidates is not None
            assert len(found.candidates) == found.samples_used == 4
            assert score(reward_in_langchain(message)) == max(
                score(candidate.self_reward) or 0.0 for candidate in found.candidates
            )

    def test_without_scoring_there_is_none(self, demo: Server) -> None:
        answer = self.chat(demo, extra_body={"self_reward": False}).invoke(QUESTION)
        assert reward_in_langchain(answer) is None
        assert selection_in_langchain(answer) is None
