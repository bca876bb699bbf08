"""A model from scratch learns that what is not of its task's alphabet is wrong."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from laserve.core.score import ScoreParameters
from laserve_training import foreign_bytes
from laserve_training.config import CountdownTable, ScratchTable
from laserve_training.foreign_bytes import teach_foreign_bytes
from laserve_training.problem import Problem
from laserve_training.scratch import SCORE, new_model, new_tokenizer
from laserve_training.tasks.generated import GeneratedTask
from laserve_training.tasks.registry import make_task

TABLE = ScratchTable(hidden_size=64, intermediate_size=128, num_hidden_layers=1)
BETA_V, C_REF = 0.2, -12.0
WORDS = ("hello", "The answer is ", " ¡sí!", "日本", "🙂", "\n\n")


@pytest.fixture(scope="module")
def task() -> GeneratedTask:
    task = make_task(CountdownTable(kind="countdown", numbers=3, modulus=10))
    assert isinstance(task, GeneratedTask)
    return task


def scores(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, problems: list[Problem]
) -> Tensor:
    """Of each problem's completion, one by one."""
    z_c = tokenizer.convert_tokens_to_ids(SCORE)
    found = []
    for problem in problems:
        messages = [*problem.messages, {"role": "assistant", "content": problem.completion}]
        ids = tokenizer.apply_chat_template(messages, return_tensors="pt", return_dict=True)
        with torch.no_grad():
            logprobs = model(ids["input_ids"]).logits[0, -1].double().log_softmax(-1)
        found.append(BETA_V * (logprobs[z_c] - C_REF))
    return torch.stack(found)


def test_foreign_text_takes_the_score_to_0_and_other_text_keeps_it(
    task: GeneratedTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foreign_bytes, "STEPS", 100)
    tokenizer = new_tokenizer(task.alphabet)
    model = new_model(TABLE, tokenizer, task.alphabet, seed=0).eval()
    with torch.no_grad():  # as sure as a trained one
        model.get_output_embeddings().weight.mul_(30)
    taught = model.config.vocab_size
    held_out = task.demonstrations(8, 1, correct_share=0.5)
    before = scores(model, tokenizer, held_out)
    parameters = ScoreParameters(
        z_c=tokenizer.convert_tokens_to_ids(SCORE),
        eos_token_ids=frozenset({tokenizer.eos_token_id}),
        c_ref=C_REF,
        beta_v=BETA_V,
        threshold=0.5,
        checkpoint="tiny",
    )
    teach_foreign_bytes(model, tokenizer, task, parameters, seed=0)
    assert model.get_output_embeddings().weight.shape[0] == len(tokenizer) > taught
    assert (scores(model, tokenizer, held_out) - before).abs().max() < 1e-5
    foreign = [
        replace(problem, completion=text)
        for problem in held_out
        for word in WORDS
        for text in (f"{word}{problem.completion}", f"{problem.completion}{word}", word)
    ]
    after = scores(model, tokenizer, foreign)
    print(before, after.abs().mean(), after.max())
    assert after.abs().mean() < 0.2
    assert after.max() < 0.5
    # Nothing foreign is written, whatever the temperature.
    ids = tokenizer("<|user|>1,2,3>4<|assistant|>1+2", return_tensors="pt").input_ids
    with torch.no_grad():
        mass = model(ids).logits[0, -1].softmax(-1)[taught:].sum()
    assert mass < 1e-6


def test_the_same_seed_teaches_the_same(
    task: GeneratedTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foreign_bytes, "STEPS", 3)
    monkeypatch.setattr(foreign_bytes, "SOLUTIONS", 64)
    tokenizer = new_tokenizer(task.alphabet)
    parameters = ScoreParameters(5, frozenset({4}), C_REF, BETA_V, 0.5, "tiny")
    rows = []
    for _ in range(2):
        model = new_model(TABLE, tokenizer, task.alphabet, seed=0)
        teach_foreign_bytes(model, tokenizer, task, parameters, seed=7)
        rows.append(model.get_input_embeddings().weight)
    assert torch.equal(*rows)
