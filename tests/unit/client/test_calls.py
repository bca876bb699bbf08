"""Every method of both clients, against the fake server."""

from typing import Any

import pytest

from laserve_client import (
    Answer,
    AsyncLaServe,
    InvalidArgumentError,
    LaServe,
    Scores,
    Selected,
    SelfReward,
    Usage,
)
from tests.unit.client.conftest import result_of
from tests.unit.client.fake_server import MODEL, TEXT, WRONG, FakeLaServe

CONVERSATION = [
    {"role": "user", "content": "1 + 1?"},
    {"role": "assistant", "content": "2"},
    {"role": "user", "content": "And 2 + 2?"},
]
FREE_FORM: list[Any] = ["2 + 2?", CONVERSATION]


@pytest.mark.parametrize("prompt", FREE_FORM)
async def test_generate_gives_the_answer_and_its_score(
    client: Any, fake: FakeLaServe, prompt: Any
) -> None:
    answer = await result_of(client.generate(prompt, temperature=0.5, seed=3, top_k=7))
    assert type(answer) is Answer
    assert (answer.text, answer.finish_reason, answer.model) == (TEXT, "stop", MODEL)
    assert isinstance(answer.self_reward, SelfReward)
    assert (answer.score, answer.confidence) == (0.9, 0.98)
    assert answer.trusted(0.98)
    assert not answer.trusted(0.99)
    assert answer.usage == Usage(prompt_tokens=3, completion_tokens=4, total_tokens=7)
    assert answer.raw["choices"][0]["message"]["content"] == TEXT
    messages = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
    assert fake.asked[-1].body == {
        "model": MODEL,
        "messages": messages,
        "temperature": 0.5,
        "seed": 3,
        "top_k": 7,
    }


async def test_an_answer_that_was_not_scored_is_never_trusted(client: Any) -> None:
    answer = await result_of(client.generate("2 + 2?", self_reward=False))
    assert (answer.self_reward, answer.score, answer.confidence) == (None, None, None)
    assert not answer.trusted(0.0)


async def test_select_sends_the_options_that_are_given_and_no_others(
    client: Any, fake: FakeLaServe
) -> None:
    answer = await result_of(
        client.select(
            "2 + 2?",
            n_max=16,
            answer="last_number",
            adaptive=False,
            return_candidates=True,
            temperature=1.0,
        )
    )
    assert fake.asked[-1].body == {
        "model": MODEL,
        "messages": [{"role": "user", "content": "2 + 2?"}],
        "temperature": 1.0,
        "selection": {
            "n_max": 16,
            "answer": "last_number",
            "adaptive": False,
            "return_candidates": True,
        },
    }
    assert type(answer) is Selected
    assert answer.text == TEXT
    assert answer.selection.answer == "right"
    assert [(vote.answer, vote.count) for vote in answer.selection.votes] == [
        ("right", 2),
        ("another", 1),
    ]
    assert answer.selection.candidates is not None
    assert [candidate.text for candidate in answer.selection.candidates] == [WRONG, TEXT]
    assert answer.selection.unvoted.truncated == 1


async def test_the_confidence_of_a_selected_answer_is_that_of_the_selection(client: Any) -> None:
    answer = await result_of(client.select("2 + 2?"))
    assert (answer.confidence, answer.self_reward.confidence) == (0.9, 0.98)
    assert answer.trusted(0.9)
    assert not answer.trusted(0.95)


async def test_an_abstained_answer_is_never_trusted(client: Any) -> None:
    answer = await result_of(client.select("2 + 2?", min_confidence=0.95))
    assert answer.abstained
    assert not answer.trusted(0.0)


@pytest.mark.parametrize("method", ["best_of_n", "majority"])
async def test_the_shortcuts_select_by_their_method(
    client: Any, fake: FakeLaServe, method: str
) -> None:
    answer = await result_of(getattr(client, method)("2 + 2?", 4, n_parallel=2, seed=1))
    assert answer.selection.samples_used == 4
    body = fake.asked[-1].body
    assert body["selection"] == {"method": method, "n_max": 4, "n_parallel": 2}
    assert body["seed"] == 1


@pytest.mark.parametrize("name", ["messages", "n", "selection", "stream"])
async def test_a_field_that_the_call_sets_itself_is_refused_before_anything_is_sent(
    client: Any, fake: FakeLaServe, name: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=f"'{name}' cannot be given here"):
        await result_of(client.generate("2 + 2?", **{name: 1}))
    with pytest.raises(InvalidArgumentError, match=f"'{name}' cannot be given here"):
        await result_of(client.generate("2 + 2?", extra_body={name: 1}))
    assert fake.asked == []


CALLS = {
    "generate": (),
    "select": (),
    "best_of_n": (4,),
    "majority": (4,),
    "stream": ({"n_max": 4},),
    "score": ("4",),
    "rerank": (["4"],),
}
"""Each method that asks a model, and what it needs beside a prompt."""


@pytest.mark.parametrize("method", CALLS)
@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("temprature", "temperature"),
        ("Temperature", "temperature"),
        ("max_token", "max_tokens"),
        ("selfreward", "self_reward"),
        ("chat_template_kwarg", "chat_template_kwargs"),
        ("modell", "model"),
        ("zzz", None),
    ],
)
async def test_a_field_that_is_misspelt_is_refused_with_the_one_it_is_near_to(
    client: Any, fake: FakeLaServe, method: str, name: str, near: str | None
) -> None:
    with pytest.raises(InvalidArgumentError, match=f"'{name}' is no field") as caught:
        await result_of(getattr(client, method)("2 + 2?", *CALLS[method], **{name: 3}))
    told = str(caught.value)
    assert "extra_body" in told
    if method not in ("score", "rerank") or near in (None, "model", "chat_template_kwargs"):
        assert (f"Did you mean {near!r}?" in told) == (near is not None)
    assert fake.asked == []


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("nmax", "n_max"),
        ("N_max", "n_max"),
        ("answers", "answer"),
        ("min_confidance", "min_confid"),
    ],
)
async def test_an_option_that_is_misspelt_is_refused_with_the_one_it_is_near_to(
    client: Any, fake: FakeLaServe, name: str, near: str
) -> None:
    told = f"'{name}' is no .*Did you mean '{near}"
    with pytest.raises(InvalidArgumentError, match=told):
        await result_of(client.select("2 + 2?", **{name: 2}))
    with pytest.raises(InvalidArgumentError, match=told):
        await result_of(client.stream("2 + 2?", {name: 2}))
    assert fake.asked == []


@pytest.mark.parametrize("method", ["generate", "stream"])
async def test_an_option_without_a_selection_is_refused_with_where_it_belongs(
    client: Any, fake: FakeLaServe, method: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=r"'n_max' is an option of a selection: call"):
        await result_of(getattr(client, method)("2 + 2?", n_max=2))
    assert fake.asked == []


def test_types_refuse_what_the_client_refuses(fake: FakeLaServe) -> None:
    """mypy complains of an `ignore` that is not needed."""
    with LaServe(fake.url) as client, pytest.raises(InvalidArgumentError):
        client.generate("2 + 2?", temprature=3)  # type: ignore[call-arg]
    with LaServe(fake.url) as client, pytest.raises(InvalidArgumentError):
        client.generate("2 + 2?", n_max=3)  # type: ignore[call-arg]
    with LaServe(fake.url) as client, pytest.raises(InvalidArgumentError):
        client.select("2 + 2?", nmax=2)  # type: ignore[call-arg]
    with LaServe(fake.url) as client, pytest.raises(InvalidArgumentError):
        client.best_of_n("2 + 2?", temprature=3)  # type: ignore[call-arg]
    with LaServe(fake.url) as client, pytest.raises(InvalidArgumentError):
        client.score("2 + 2?", "4", n=3)  # type: ignore[call-arg]
    with LaServe(fake.url) as client, pytest.raises(InvalidArgumentError):
        list(client.stream("2 + 2?", {"nmax": 2}))  # type: ignore[arg-type]


async def test_what_the_client_does_not_know_goes_into_extra_body(
    client: Any, fake: FakeLaServe
) -> None:
    for method, arguments in CALLS.items():
        body = {"guided": {"a": 1}, "temprature": 3, "nothing": None}
        await result_of(getattr(client, method)("2 + 2?", *arguments, extra_body=body))
        sent = fake.asked[-1].body
        assert {name: sent[name] for name in body} == body, method


@pytest.mark.parametrize("method", CALLS)
async def test_none_is_not_sent(client: Any, fake: FakeLaServe, method: str) -> None:
    fields = {"model": None, "priority": None, "tools": None}
    await result_of(getattr(client, method)("2 + 2?", *CALLS[method], **fields))
    assert fake.asked[-1].body.keys() & fields.keys() == {"model"}  # the one that was asked for


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, b"bytes"])
async def test_what_json_cannot_hold_is_refused(client: Any, value: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="JSON"):
        await result_of(client.generate("2 + 2?", temperature=value))


@pytest.mark.parametrize("prompt", FREE_FORM)
async def test_score_gives_a_verdict_on_each_text_in_their_order(
    client: Any, fake: FakeLaServe, prompt: Any
) -> None:
    rewards = await result_of(client.score(prompt, ["a wrong one", "a right one"]))
    assert [reward.score for reward in rewards] == [0.1, 0.9]
    assert {reward.method for reward in rewards} == {"post_hoc"}
    body = fake.asked[-1].body
    assert body["completion"] == ["a wrong one", "a right one"]
    assert body["messages"][-1]["role"] == "user"
    assert isinstance(rewards, Scores)
    assert (rewards.prompt_form, rewards.warning) == ("chat_template", None)


async def test_score_takes_a_single_text(client: Any, fake: FakeLaServe) -> None:
    rewards = await result_of(client.score("2 + 2?", "a right one"))
    assert [reward.score for reward in rewards] == [0.9]
    assert fake.asked[-1].body["completion"] == ["a right one"]


@pytest.mark.parametrize("prompt", FREE_FORM)
async def test_rerank_gives_the_best_first(client: Any, fake: FakeLaServe, prompt: Any) -> None:
    documents = ["wrong", {"text": "right"}, "also right"]
    ranking = await result_of(client.rerank(prompt, documents, top_n=2))
    assert [(ranked.index, ranked.text) for ranked in ranking] == [(1, "right"), (2, "also right")]
    assert [ranked.relevance_score for ranked in ranking] == [0.9, 0.9]
    body = fake.asked[-1].body
    assert body["documents"] == ["wrong", "right", "also right"]
    assert body["query" if isinstance(prompt, str) else "messages"] == prompt


async def test_a_document_without_a_text_is_refused(client: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="document"):
        await result_of(client.rerank("2 + 2?", [{"title": "right"}]))


@pytest.mark.parametrize("most_choices", [1, 3, 100])
async def test_rerank_from_draws_the_candidates_from_another_server(
    client: Any, fake: FakeLaServe, most_choices: int
) -> None:
    fake.most_choices = most_choices
    other = type(client)(fake.url, "other-model", "other-key")
    try:
        ranking = await result_of(client.rerank_from(other, "2 + 2?", n=5, seed=10))
    finally:
        await result_of(other.close())
    assert len(ranking) == 5
    assert ranking[0].text == TEXT
    *drawn, models, reranked = fake.asked
    assert (models.path, reranked.path) == ("/v1/models", "/v1/rerank")
    for asked in drawn:
        assert asked.headers["authorization"] == "Bearer other-key"
        # Another server may refuse fields that OpenAI does not have.
        assert asked.body.keys() == {"model", "messages", "n", "seed"}
    # What comes in several requests is not drawn with the same seed again.
    assert len({asked.body["seed"] for asked in drawn}) == len(drawn) == -(-5 // most_choices)


async def test_the_model_is_asked_for_once(client: Any, fake: FakeLaServe) -> None:
    for _ in range(2):
        await result_of(client.generate("2 + 2?"))
    assert fake.paths() == ["/v1/models", *["/v1/chat/completions"] * 2]


async def test_the_model_is_known_beforehand_where_it_was_given(fake: FakeLaServe) -> None:
    with LaServe(fake.url, "an-adapter") as client:
        assert client.model_name() == "an-adapter"
    async with AsyncLaServe(fake.url) as asynchronous:
        assert await asynchronous.model_name() == MODEL
    assert fake.paths() == ["/v1/models"]


async def test_a_model_named_in_a_call_is_sent_without_asking(
    client: Any, fake: FakeLaServe
) -> None:
    await result_of(client.generate("2 + 2?", model="an-adapter"))
    assert fake.paths() == ["/v1/chat/completions"]
    assert fake.asked[0].body["model"] == "an-adapter"


async def test_calls_share_one_connection(client: Any, fake: FakeLaServe) -> None:
    for _ in range(3):
        await result_of(client.generate("2 + 2?"))
        await result_of(client.stream("2 + 2?"))
        await result_of(client.rerank("2 + 2?", ["a"]))
    assert len({asked.port for asked in fake.asked}) == 1


@pytest.mark.parametrize("suffix", ["", "/", "/v1", "/v1/"])
def test_the_address_may_end_as_openai_clients_want_it(fake: FakeLaServe, suffix: str) -> None:
    with LaServe(fake.url + suffix, MODEL) as client:
        assert client.generate("2 + 2?").text == TEXT


@pytest.mark.parametrize("kind", [LaServe, AsyncLaServe])
@pytest.mark.parametrize(
    "url", ["", "127.0.0.1:8000", "localhost", "ftp://a", "http://", "http://a:b"]
)
def test_an_address_that_is_none_is_refused(kind: Any, url: str) -> None:
    with pytest.raises(InvalidArgumentError, match="base_url"):
        kind(url)


def test_the_key_is_sent(fake: FakeLaServe) -> None:
    with LaServe(fake.url, MODEL, "sk-1") as client:
        client.generate("2 + 2?")
    assert fake.asked[-1].headers["authorization"] == "Bearer sk-1"
    with LaServe(fake.url, MODEL, "") as client:
        client.generate("2 + 2?")
    assert "authorization" not in fake.asked[-1].headers


@pytest.mark.parametrize("key", ["sk-1\n", "schlüssel"])
def test_a_key_that_no_header_can_hold_is_refused(key: str) -> None:
    with pytest.raises(InvalidArgumentError, match="api_key"):
        LaServe("http://127.0.0.1:1", api_key=key)
