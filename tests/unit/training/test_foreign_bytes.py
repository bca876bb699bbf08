"""A model from scratch learns that what is not of its task's alphabet is wrong."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from laserve.core.manifest import read_manifest
from laserve.core.score import ScoreParameters, self_reward_score
from laserve.reference.load import load_model
from laserve_training import foreign_bytes
from laserve_training.config import CountdownTable
from laserve_training.foreign_bytes import teach_foreign_bytes
from laserve_training.problem import Problem
from laserve_training.scratch import SPECIAL_TOKENS, new_tokenizer
from laserve_training.tasks.generated import GeneratedTask
from laserve_training.tasks.registry import make_task

DEMO = Path(__file__).parents[3] / "demo" / "laserve-countdown"
WORDS = (
    *("hello", "The answer is ", " ¡sí!", "日本", "🙂"),
    *("\n", "\n\n", "\r\n", "\t", " ", "\u200b", "e\u0301", "x = 6", "word by word, " * 5),
)


@pytest.fixture(scope="module")
def task() -> GeneratedTask:
    task = make_task(CountdownTable(kind="countdown", numbers=3, modulus=10))
    assert isinstance(task, GeneratedTask)
    return task


@pytest.fixture(scope="module")
def parameters() -> ScoreParameters:
    manifest = read_manifest(DEMO)
    assert manifest is not None
    return manifest.parameters()


def trained_model(task: GeneratedTask) -> PreTrainedModel:
    """The demo's model as it was before it was taught: with its task's alphabet alone."""
    model = load_model(str(DEMO), "float32")
    model.resize_token_embeddings(len(SPECIAL_TOKENS) + len(set(task.alphabet)))
    return model


def scores(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    parameters: ScoreParameters,
    problems: list[Problem],
) -> Tensor:
    """Of each problem's completion, one by one."""
    found = []
    for problem in problems:
        messages: Any = [*problem.messages, {"role": "assistant", "content": problem.completion}]
        ids = tokenizer.apply_chat_template(messages, return_tensors="pt", return_dict=False)
        with torch.no_grad():
            logprobs = model(ids).logits[0, -1].double().log_softmax(-1)
        logprob = logprobs[parameters.z_c].item()
        found.append(self_reward_score(logprob, parameters.c_ref, parameters.beta_v))
    return torch.tensor(found)


def test_foreign_text_takes_the_score_to_0_and_other_text_keeps_it(
    task: GeneratedTask, parameters: ScoreParameters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foreign_bytes, "STEPS", 40)
    monkeypatch.setattr(foreign_bytes, "BATCH", 32)
    monkeypatch.setattr(foreign_bytes, "SOLUTIONS", 512)
    monkeypatch.setattr(foreign_bytes, "CLEAN", 256)
    tokenizer = new_tokenizer(task.alphabet)
    model = trained_model(task)
    taught = model.config.vocab_size
    held_out = task.demonstrations(16, 1, correct_share=0.5)
    before = scores(model, tokenizer, parameters, held_out)
    assert before.max() > 0.9
    teach_foreign_bytes(model, tokenizer, task, parameters, seed=0)
    assert model.get_output_embeddings().weight.shape[0] == len(tokenizer) > taught
    # The new tokens' probabilities are what can take something away from the others.
    assert (scores(model, tokenizer, parameters, held_out) - before).abs().max() < 1e-5
    foreign = [
        replace(problem, completion=text)
        for problem in held_out
        for word in WORDS
        for right in (str(problem.completion),)
        for text in (word + right, right + word, right[:5] + word + right[5:], word)
    ]
    after = scores(model, tokenizer, parameters, foreign)
    assert after.mean() < 0.15
    # The whole training leaves 2 % of such texts above the threshold, these first steps some more.
    assert (after > 0.5).double().mean() < 0.1
    # Nothing foreign is written, whatever the temperature.
    ids = tokenizer("<|user|>1,2,3>4<|assistant|>1+2", return_tensors="pt").input_ids
    with torch.no_grad():
        mass = model(ids).logits[0, -1].softmax(-1)[taught:].sum()
    assert mass < 1e-6


def test_the_same_seed_teaches_the_same(
    task: GeneratedTask, parameters: ScoreParameters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foreign_bytes, "STEPS", 3)
    monkeypatch.setattr(foreign_bytes, "SOLUTIONS", 64)
    tokenizer = new_tokenizer(task.alphabet)
    rows: list[Any] = []
    for _ in range(2):
        model = trained_model(task)
        teach_foreign_bytes(model, tokenizer, task, parameters, seed=7)
        rows.append(model.get_input_embeddings().weight)
    assert torch.equal(*rows)
