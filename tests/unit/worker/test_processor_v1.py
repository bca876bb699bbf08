"""Scores read by the V1 processor: whole generations through vLLM's own batch and sampler."""

import math

import pytest
import torch
from vllm import SamplingParams
from vllm.v1.sample.logits_processor import BatchUpdate
from vllm.v1.sample.logits_processor.interface import MoveDirectionality

from laserve.worker.processor_v1 import ScoreLogitsProcessor
from tests.unit.worker.toy_model import (
    ToyModel,
    ToyRequest,
    all_kinds,
    armed_params,
    assert_scored,
    vllm_config_for,
)
from tests.unit.worker.v1_runner import V1Runner


def processor_for(model: ToyModel) -> ScoreLogitsProcessor:
    return ScoreLogitsProcessor(vllm_config_for(model), torch.device("cpu"), False)


def update(
    *,
    added: list[tuple[int, SamplingParams, list[int] | None, list[int]]] | None = None,
    removed: list[int] | None = None,
    moved: list[tuple[int, int, MoveDirectionality]] | None = None,
) -> BatchUpdate:
    return BatchUpdate(batch_size=4, removed=removed or [], added=added or [], moved=moved or [])


@pytest.mark.parametrize("vocab_size", [32, 384, 49_152, 151_936])
def test_each_armed_answer_is_followed_by_its_score(vocab_size: int) -> None:
    model = ToyModel(vocab_size=vocab_size, eos_token_ids=(5, 21, 30), eos_rate=0.2)
    done = V1Runner(model).run(all_kinds(48 if vocab_size < 1000 else 12))
    finished = [r for r in done if r.armed and r.answer(model)[-1] in model.eos_token_ids]
    assert len(finished) > 8
    for request in finished:
        assert_scored(model, request)


def test_tokens_are_those_of_plain_vllm_with_z_c_put_aside() -> None:
    model = ToyModel()
    armed = V1Runner(model).run(all_kinds(48, armed=True))
    plain = V1Runner(model, masks_z_c=True).run(all_kinds(48, armed=False))
    assert [r.answer(model) for r in armed] == [r.output for r in plain]
    assert len({len(r.output) for r in plain}) > 10


def test_unarmed_requests_in_the_same_batch_may_sample_z_c() -> None:
    model = ToyModel(lowest=1.0)
    done = V1Runner(model).run(all_kinds(24))
    alone = V1Runner(model).run(all_kinds(24, armed=False))
    for request, lonely in zip(done, alone, strict=True):
        if not request.armed:
            assert request.output == lonely.output
    assert any(model.z_c in r.output for r in done if not r.armed)


def test_an_eos_in_the_prompt_ends_nothing() -> None:
    model = ToyModel()
    prompts = [[5], [21, 5], [5, 5, 5, 30], [21]]
    done = [ToyRequest(prompt, seed=i, limit=400) for i, prompt in enumerate(prompts)]
    for request in V1Runner(model, chunk=2).run(done):
        assert_scored(model, request)
    assert any(len(request.answer(model)) > 3 for request in done)


@pytest.mark.parametrize("vocab_size", [32, 384])
def test_digits_may_be_eos_ids(vocab_size: int) -> None:
    """With half of the vocabulary ending answers, most messages hold an EOS id."""
    eos = tuple(range(0, vocab_size, 2))
    model = ToyModel(vocab_size=vocab_size, eos_token_ids=eos, eos_rate=0.3)
    done = V1Runner(model).run(all_kinds(16, armed=True, limit=400))
    for request in done:
        assert_scored(model, request)
    assert any(set(request.message(model)) & set(eos) for request in done)


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_an_eos_at_the_token_limit_is_scored_and_a_cut_answer_is_left_alone(limit: int) -> None:
    model = ToyModel(eos_rate=0.3)
    done = V1Runner(model).run(all_kinds(64, armed=True, limit=limit))
    at_limit = [r for r in done if r.answer(model)[-1] in model.eos_token_ids]
    cut = [r for r in done if r.answer(model)[-1] not in model.eos_token_ids]
    assert any(len(r.answer(model)) == limit for r in at_limit)
    for request in at_limit:
        assert_scored(model, request)
    for request in cut:
        assert len(request.output) == limit + model.codec.digits
        assert model.z_c not in request.output


@pytest.mark.parametrize("chunk", [1, 2, 3, 10_000])
@pytest.mark.parametrize("preempted_after", ["answer", "eos", "digit 1"])
def test_preemption_costs_at_most_the_message(preempted_after: str, chunk: int) -> None:
    """Resumed, prompt and output are prefilled again, in chunks: until they are done the output
    already ends as it does, while the rows are of tokens before."""
    model = ToyModel(eos_rate=0.2, seed=11)
    whole = V1Runner(model).run([ToyRequest([3, 9], temperature=0.0, limit=400)])[0]
    answer = whole.answer(model)
    assert len(answer) > 3
    kept = len(answer) + {"answer": -2, "eos": 0, "digit 1": 1}[preempted_after]
    runner = V1Runner(model, chunk=chunk)
    others = all_kinds(7, armed=True, limit=400)
    request = ToyRequest([3, 9], temperature=0.0, limit=400)
    request_id = runner.add(request)
    for other in others:
        runner.add(other)
    while len(request.output) < kept:
        runner.step()
    runner.remove(request_id)
    if runner.running:
        runner.step()
    runner.add(request)
    while runner.running:
        runner.step()
    for other in others:
        assert_scored(model, other)
    if preempted_after == "digit 1":
        assert request.output == [*answer, whole.message(model)[0], model.z_c]
        assert model.codec.decode(request.message(model)) is None
    else:
        assert request.output == whole.output


@pytest.mark.parametrize("logit", [-60.0, -math.inf, math.nan])
def test_a_value_out_of_range_is_told_as_none(logit: float) -> None:
    model = ToyModel()
    output = [model.eos_token_ids[0]]
    processor = processor_for(model)
    processor.update_state(update(added=[(0, armed_params(), [1], output)]))
    row = torch.zeros(1, model.vocab_size)
    row[0, model.z_c] = logit
    while output[-1] != model.z_c:
        processed = processor.apply(row.clone())
        assert processed.isfinite().sum() == 1
        output.append(int(processed.argmax()))
    assert len(output) == 1 + model.codec.digits + 1
    assert model.codec.decode(output[1:]) is None


def test_rows_without_an_armed_request_are_left_as_they_are() -> None:
    model = ToyModel()
    processor = processor_for(model)
    processor.update_state(update(added=[(0, SamplingParams(), [1], [5])]))
    logits = torch.randn(2, model.vocab_size)
    before = logits.clone()
    assert processor.apply(logits) is logits
    assert torch.equal(logits, before)
    processor.update_state(update(added=[(1, armed_params(), [1], [2])]))
    after = processor.apply(logits.clone())
    assert torch.equal(after[0], before[0])
    before[1, model.z_c] = -math.inf
    assert torch.equal(after[1], before[1])


def test_rows_follow_additions_removals_and_moves() -> None:
    model = ToyModel()
    processor = processor_for(model)

    def masked() -> list[bool]:
        rows = processor.apply(torch.zeros(4, model.vocab_size))
        return rows[:, model.z_c].isneginf().tolist()

    def added(index: int, params: SamplingParams) -> BatchUpdate:
        return update(added=[(index, params, [1], [])])

    processor.update_state(added(0, armed_params()))
    processor.update_state(added(1, SamplingParams()))
    processor.update_state(None)
    assert masked() == [True, False, False, False]
    processor.update_state(update(moved=[(0, 1, MoveDirectionality.SWAP)]))
    assert masked() == [False, True, False, False]
    processor.update_state(update(moved=[(1, 3, MoveDirectionality.UNIDIRECTIONAL)]))
    assert masked() == [False, False, False, True]
    # An unarmed request takes an armed one's place.
    processor.update_state(added(2, armed_params()))
    processor.update_state(added(3, SamplingParams()))
    assert masked() == [False, False, True, False]
    processor.update_state(update(removed=[2]))
    assert masked() == [False, False, False, False]


def test_an_output_that_vllm_shortens_is_read_anew() -> None:
    """A failed load of KV blocks takes tokens back (`GPUModelRunner._update_states`)."""
    model = ToyModel()
    output = [9, model.eos_token_ids[0]]
    processor = processor_for(model)
    processor.update_state(update(added=[(0, armed_params(), [1], output)]))
    rows = torch.randn(2, model.vocab_size)
    output.append(int(processor.apply(rows[:1].clone()).argmax()))
    del output[1:]
    answer = processor.apply(rows[:1].clone())
    assert answer.isneginf().sum() == 1
    output.extend([9, 9, model.eos_token_ids[1]])
    start = len(output)
    while output[-1] != model.z_c:
        output.append(int(processor.apply(rows[1:].clone()).argmax()))
    expected = rows[1].log_softmax(0)[model.z_c]
    assert model.codec.decode(output[start:]) == pytest.approx(float(expected), abs=1e-3)


def test_vllm_is_told_that_greedy_rows_change_too() -> None:
    assert not processor_for(ToyModel()).is_argmax_invariant()
