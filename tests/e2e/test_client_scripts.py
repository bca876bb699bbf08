"""The client's README and its examples, run as they stand, and LiteLLM."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.documents import CLIENT_README, blocks
from tests.e2e.scripts import outputs
from tests.e2e.server import Server

HERE = Path(__file__).parent
EXAMPLES = CLIENT_README.parent / "examples"
BOTH = r"#\d\nself_reward: score=[-\d.e]+ .*status='scored'.*\nselection: method='best_of_n'.*\n"
TOLD = {
    "best_of_n": r"best of 8: \S+ score [-\d.]+ confidence [\d.e-]+",
    "rerank_other_server": r"\A([-\d.e]+ \S+\n){8}\Z",
    # At once, and as a stream.
    "openai_client": rf"^\S+{BOTH}\S+{BOTH}\Z",
    "langchain_chat": rf"^\S+{BOTH}\S+{BOTH}\Z",
    "litellm_completion": rf"^\S+{BOTH}\S+{BOTH}\Z",
}
"""Example -> what it prints."""
BLOCKS = blocks(CLIENT_README, "python")
TOLERANCE = 1e-3
"""Of a score: two ways of batching the same float32 sums, and the transport's 0.0005 nats."""


@pytest.fixture(scope="module")
def printed(demo: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each script prints, by its name."""
    folder = tmp_path_factory.mktemp("scripts")
    scripts = {"litellm_calls": [str(HERE / "litellm_calls.py"), demo.base_url, demo.model]}
    scripts |= {
        name: [str(EXAMPLES / f"{name}.py"), "--base-url", demo.base_url, "--model", demo.model]
        for name in TOLD
    }
    for number, block in enumerate(BLOCKS):
        file = folder / f"block_{number}.py"
        code = block.replace("http://127.0.0.1:8000", demo.base_url)
        file.write_text(code.replace("laserve-countdown", demo.model))
        scripts[file.stem] = [str(file)]
    return dict(zip(scripts, outputs(folder, *scripts.values()), strict=True))


@pytest.mark.parametrize("example", TOLD)
def test_an_example_prints_the_score(printed: dict[str, str], example: str) -> None:
    assert re.search(TOLD[example], printed[example], re.MULTILINE), printed[example]


def test_every_example_is_run() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == TOLD.keys()


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_the_readme_is_true(printed: dict[str, str], number: int) -> None:
    output = printed[f"block_{number}"]
    assert "#" in output
    if "self_reward" in BLOCKS[number]:
        assert re.search(r"#\d score=[-\d.e]+ .*status='scored'", output), output


def test_the_readme_has_a_block_for_each_tool() -> None:
    folder = CLIENT_README.parent / "laserve_client" / "integrations"
    tools = {path.stem for path in folder.glob("[!_]*.py")}
    assert set(re.findall(r"from laserve_client\.integrations\.(\w+) ", "".join(BLOCKS))) == tools


@pytest.fixture(scope="module")
def calls(printed: dict[str, str]) -> dict[str, Any]:
    """What LiteLLM handed on."""
    # It prints a list of its providers, too.
    told: dict[str, Any] = json.loads(printed["litellm_calls"].strip().splitlines()[-1])
    return told


@pytest.fixture(scope="module")
def expected(demo: Server) -> dict[str, Any]:
    """The verdict that the official client gets on the same answer."""
    answer = demo.client.chat.completions.create(
        model=demo.model, messages=[{"role": "user", "content": "2,6,6>2"}], seed=7
    )
    reward: dict[str, Any] = (answer.choices[0].model_extra or {})["self_reward"]
    assert reward["status"] == "scored"
    return {name: of for name, of in reward.items() if name not in ("score", "logprob")} | {
        name: pytest.approx(reward[name], abs=TOLERANCE * scale)
        for name, scale in (("score", 1), ("logprob", 10))
    }


@pytest.mark.parametrize("call", ["whole", "rebuilt", "later"])
def test_litellm_hands_the_verdict_on_streamed_or_not(
    calls: dict[str, Any], expected: dict[str, Any], call: str
) -> None:
    assert calls[call] == [expected]


@pytest.mark.parametrize("call", ["chunks", "parts"])
def test_one_chunk_of_litellms_has_the_verdict(
    calls: dict[str, Any], expected: dict[str, Any], call: str
) -> None:
    assert len(calls[call]) > 3
    assert [reward for reward in calls[call] if reward is not None] == [expected]


def test_litellms_stream_ends_as_ever(calls: dict[str, Any]) -> None:
    assert re.fullmatch(r"\S+#\d", calls["text"])
    assert [reason for reason in calls["finish_reasons"] if reason is not None] == ["stop"]


def test_litellm_hands_on_the_verdict_of_each_choice(calls: dict[str, Any]) -> None:
    assert [reward["status"] for reward in calls["several"]] == ["scored"] * 2


def test_litellm_says_nothing_where_scoring_was_turned_off(calls: dict[str, Any]) -> None:
    assert calls["off"] == [None]


def test_a_message_of_litellms_stream_can_be_sent_back(calls: dict[str, Any]) -> None:
    assert calls["after"][0]["status"] == "scored"


def test_the_callback_has_each_scored_answer_once(
    calls: dict[str, Any], expected: dict[str, Any]
) -> None:
    seen = calls["callback"]
    assert len(seen) == 6
    of_one = [one["rewards"] for one in seen if one["text"] == calls["text"]]
    # All but the one that goes on, which is another question.
    assert sorted(map(len, of_one)) == [1, 1, 1, 1, 2]
    assert all(rewards[0] == expected for rewards in of_one)
