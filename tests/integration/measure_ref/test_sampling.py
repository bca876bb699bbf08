"""Completions that the data lack are the model's own."""

from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel

from laserve.reference.encode import encode_prompt
from laserve.reference.measure import ReferenceMeasurement, measure_reference
from laserve.reference.rows import Row
from tests.integration.measure_ref.command import forward
from tests.tiny_model import TinyModel


def sample(
    tiny: TinyModel,
    model: PreTrainedModel,
    seed: int = 0,
    max_new_tokens: int = 24,
    batch_size: int = 16,
) -> ReferenceMeasurement:
    rows = {f"row {i}": Row(prompt=f"What is {i}?" * (i % 3 + 1)) for i in range(20)}
    return measure_reference(
        model,
        AutoTokenizer.from_pretrained(tiny.path),
        rows,
        z_c=tiny.z_c,
        seed=seed,
        max_new_tokens=max_new_tokens,
        batch_size=batch_size,
    )


def test_missing_completions_are_written_by_the_model_and_end_with_eos(
    tiny: TinyModel, model: PreTrainedModel
) -> None:
    measurement = sample(tiny, model)
    assert measurement.c_ref.count > 0
    for probe in measurement.completions:
        *body, end = probe.completion_token_ids
        assert end in tiny.eos_token_ids
        assert not tiny.eos_token_ids.intersection(body)
        ids = [*probe.prompt_token_ids, *probe.completion_token_ids]
        assert probe.logprob == pytest.approx(forward(model, ids, tiny.z_c), abs=1e-5)


def test_a_completion_gets_what_the_context_leaves_unless_said_otherwise(
    tiny: TinyModel, model: PreTrainedModel
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny.path)
    row = Row(prompt="x" * 1900)
    measurement = measure_reference(model, tokenizer, {"row": row}, z_c=tiny.z_c)
    prompt = encode_prompt("row", row.conversation, tokenizer)
    assert 0 < measurement.max_new_tokens == model.config.max_position_embeddings - len(prompt)
    short = measure_reference(model, tokenizer, {"row": Row(prompt="x")}, z_c=tiny.z_c)
    assert short.max_new_tokens == 512


def test_completions_cut_before_their_eos_are_dropped_and_counted(
    tiny: TinyModel, model: PreTrainedModel
) -> None:
    measurement = sample(tiny, model, max_new_tokens=8)
    assert measurement.dropped > 0
    assert measurement.c_ref.count == 20 - measurement.dropped
    assert all(len(probe.completion_token_ids) <= 8 for probe in measurement.completions)


def test_sampling_is_seeded_and_leaves_the_callers_generator_alone(
    tiny: TinyModel, model: PreTrainedModel
) -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = sample(tiny, model, seed=3)
    assert torch.equal(torch.get_rng_state(), before)
    assert sample(tiny, model, seed=3) == first
    assert sample(tiny, model, seed=4) != first


def test_sampling_ignores_the_models_own_generation_settings(
    tiny: TinyModel, model: PreTrainedModel
) -> None:
    opinionated = AutoModelForCausalLM.from_pretrained(tiny.path)
    opinionated.generation_config.update(
        do_sample=True, temperature=0.1, top_k=1, top_p=0.1, min_p=0.9, repetition_penalty=2.0
    )
    assert sample(tiny, opinionated) == sample(tiny, model)


def test_a_sampled_completion_does_not_depend_on_its_batch(tiny: TinyModel) -> None:
    # So sure of itself that sampling is as good as greedy: the draws do not matter.
    certain: Any = AutoModelForCausalLM.from_pretrained(tiny.path)
    with torch.no_grad():
        certain.lm_head.weight.mul_(1e3)
    together = sample(tiny, certain, batch_size=20).completions
    alone = sample(tiny, certain, batch_size=1).completions
    assert len(together) > 0
    assert [probe.completion_token_ids for probe in together] == [
        probe.completion_token_ids for probe in alone
    ]


def test_z_c_is_never_sampled(tiny: TinyModel) -> None:
    # Everywhere as likely as the first EOS: about half of the completions would contain it.
    eager: Any = AutoModelForCausalLM.from_pretrained(tiny.path)
    with torch.no_grad():
        eager.lm_head.weight[tiny.z_c] = eager.lm_head.weight[tiny.primary_eos]
    torch.manual_seed(0)
    free = eager.generate(torch.tensor([[10, 20]] * 16), max_new_tokens=24, do_sample=True)
    assert tiny.z_c in free
    measurement = sample(tiny, eager)
    assert measurement.c_ref.count > 0
    assert all(tiny.z_c not in probe.completion_token_ids for probe in measurement.completions)
