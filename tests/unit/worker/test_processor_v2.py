"""Scores read by the Model Runner V2 processor: whole generations of a toy model on the CPU."""

import math
from functools import cache

import pytest
import torch
from vllm import SamplingParams

from tests.unit.worker.toy_model import ToyModel, ToyRequest, all_kinds, armed_params, assert_scored
from tests.unit.worker.v2_runner import V2Runner, context


@pytest.mark.parametrize("vocab_size", [32, 384, 49_152, 151_936])
def test_each_armed_answer_is_followed_by_its_score(vocab_size: int) -> None:
    model = ToyModel(vocab_size=vocab_size, eos_token_ids=(5, 21, 30), eos_rate=0.2)
    done = V2Runner(model).run(all_kinds(16 if vocab_size < 1000 else 12))
    finished = [r for r in done if r.armed and r.answer(model)[-1] in model.eos_token_ids]
    assert len(finished) > 8
    for request in finished:
        assert_scored(model, request)


def test_tokens_are_those_of_plain_vllm_with_z_c_put_aside() -> None:
    model = ToyModel()
    armed = V2Runner(model).run(all_kinds(24, armed=True))
    plain = V2Runner(model, masks_z_c=True).run(all_kinds(24, armed=False))
    assert [r.answer(model) for r in armed] == [r.output for r in plain]
    assert len({len(r.output) for r in plain}) > 10


def test_unarmed_requests_in_the_same_batch_may_sample_z_c() -> None:
    model = ToyModel(lowest=1.0)
    done = V2Runner(model).run(all_kinds(12))
    alone = V2Runner(model).run(all_kinds(12, armed=False))
    for request, lonely in zip(done, alone, strict=True):
        if not request.armed:
            assert request.output == lonely.output
    assert any(model.z_c in r.output for r in done if not r.armed)


def test_an_eos_in_the_prompt_ends_nothing() -> None:
    model = ToyModel()
    prompts = [[5], [21, 5], [5, 5, 5, 30], [21]]
    done = [ToyRequest(prompt, seed=i, limit=400) for i, prompt in enumerate(prompts)]
    for request in V2Runner(model, chunk=2).run(done):
        assert_scored(model, request)
    assert any(len(request.answer(model)) > 3 for request in done)


@pytest.mark.parametrize("vocab_size", [32, 384])
def test_digits_may_be_eos_ids(vocab_size: int) -> None:
    """With half of the vocabulary ending answers, most messages hold an EOS id."""
    eos = tuple(range(0, vocab_size, 2))
    model = ToyModel(vocab_size=vocab_size, eos_token_ids=eos, eos_rate=0.3)
    done = V2Runner(model).run(all_kinds(8, armed=True, limit=400))
    for request in done:
        assert_scored(model, request)
    assert any(set(request.message(model)) & set(eos) for request in done)


def test_the_only_digit_of_a_large_vocabulary_may_be_an_eos_id() -> None:
    codec = ToyModel(vocab_size=151_936).codec
    (digit,) = codec.encode(torch.tensor([-11.5]))[0].tolist()
    runner = V2Runner(ToyModel(vocab_size=151_936, eos_token_ids=(5, digit)))
    row = torch.full((151_936,), -math.log(151_935))
    row[codec.z_c] = -11.5 - math.log1p(-math.exp(-11.5))  # so that log p(z_c) = -11.5
    assert message_after_eos(runner, row) == [digit]


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_an_eos_at_the_token_limit_is_scored_and_a_cut_answer_is_left_alone(limit: int) -> None:
    model = ToyModel(eos_rate=0.3)
    done = V2Runner(model).run(all_kinds(24, armed=True, limit=limit))
    at_limit = [r for r in done if r.answer(model)[-1] in model.eos_token_ids]
    cut = [r for r in done if r.answer(model)[-1] not in model.eos_token_ids]
    assert any(len(r.answer(model)) == limit for r in at_limit)
    for request in at_limit:
        assert_scored(model, request)
    for request in cut:
        assert len(request.output) == limit + model.codec.digits
        assert model.z_c not in request.output


def test_a_recycled_slot_forgets_the_digits_and_tokens_of_its_last_request() -> None:
    model = ToyModel(eos_rate=0.3)
    done = V2Runner(model, slots=1).run(all_kinds(12, armed=True))
    for request in done:
        assert_scored(model, request)
    # A resumed request whose first digit was another slot's: there is nothing to go on with.
    runner = V2Runner(model, slots=1)
    runner.run([done[0]])
    resumed = ToyRequest([1], limit=40)
    resumed.output = [9, model.eos_token_ids[0], 100]
    runner.run([resumed])
    assert resumed.output[3:] == [model.z_c]


@cache
def undisturbed(model: ToyModel) -> ToyRequest:
    (request,) = V2Runner(model).run([ToyRequest([3, 9], seed=4, limit=400)])
    return request


@pytest.mark.parametrize("chunk", [1, 2, 3, 10_000])
@pytest.mark.parametrize("preempted_after", ["answer", "eos", "digit 1"])
def test_preemption_costs_at_most_the_message(preempted_after: str, chunk: int) -> None:
    """Resumed on another slot, its prompt and output are prefilled again, in chunks."""
    model = ToyModel()
    whole = undisturbed(model)
    answer = whole.answer(model)
    assert len(answer) > 3
    kept = len(answer) + {"answer": -2, "eos": 0, "digit 1": 1}[preempted_after]
    runner = V2Runner(model, chunk=chunk)
    request = ToyRequest([3, 9], seed=4, limit=400)
    slot = runner.add(request)
    while len(request.output) < kept:
        runner.step()
    assert runner.remove(slot) is request
    runner.free.reverse()
    assert runner.add(request) != slot
    while runner.running:
        runner.step()
    if preempted_after == "digit 1":
        assert request.answer(model) == answer
        assert request.message(model) == [whole.message(model)[0], model.z_c]
        assert model.codec.decode(request.message(model)) is None
    else:
        assert request.output == whole.output


@pytest.mark.parametrize("count", [1, 24])
def test_however_many_answers_end_in_one_step_each_is_scored(count: int) -> None:
    model = ToyModel()
    runner = V2Runner(model, slots=count)
    done = [ToyRequest([30 + i]) for i in range(count)]
    for request in done:
        request.output = [model.eos_token_ids[0]]
    runner.run(done)
    for request in done:
        assert_scored(model, request)


@pytest.mark.parametrize("logit", [-60.0, -math.inf, math.nan])
def test_a_value_out_of_range_is_told_as_none(logit: float) -> None:
    model = ToyModel()
    row = torch.zeros(model.vocab_size)
    row[model.z_c] = logit
    message = message_after_eos(V2Runner(model), row)
    assert len(message) == model.codec.digits
    assert model.codec.decode(message) is None


def test_rows_without_an_armed_request_are_left_as_they_are() -> None:
    """Even where an EOS came before, as it may with `ignore_eos`."""
    model = ToyModel()
    runner = V2Runner(model)
    request = ToyRequest([1], armed=False)
    request.output = [model.eos_token_ids[0]]
    unarmed = runner.add(request)
    logits = torch.randn(2, model.vocab_size)
    logits[0, 3] = math.nan  # whatever it holds
    before = logits.nan_to_num(nan=99.0)
    runner.processor.apply_staged_writes()
    after = runner.processor.apply(logits[:1], context([unarmed], [1], request.output))
    assert after.data_ptr() == logits.data_ptr()
    assert torch.equal(after.nan_to_num(nan=99.0), before[:1])
    armed = runner.add(ToyRequest([2]))
    runner.processor.apply_staged_writes()
    after = runner.processor.apply(logits, context([unarmed, armed], [1, 0], [*request.output, 2]))
    before[1, model.z_c] = -math.inf
    assert torch.equal(after.nan_to_num(nan=99.0, neginf=-math.inf), before)


def test_add_request_tells_vllm_which_requests_are_armed() -> None:
    processor = V2Runner(ToyModel()).processor
    assert not processor.add_request(0, SamplingParams())
    assert not processor.add_request(0, SamplingParams(extra_args={"laserve": "yes"}))
    assert processor.add_request(0, armed_params())


def message_after_eos(runner: V2Runner, row: torch.Tensor) -> list[int]:
    """What an answer that has just ended is followed by, where the model says ``row``, (V,)."""
    request = ToyRequest([1])
    request.output = [runner.model.eos_token_ids[0]]
    slot = runner.add(request)
    runner.processor.apply_staged_writes()
    while runner.running:
        tokens = request.tokens
        here = context([slot], [len(tokens) - 1], [tokens[-1]])
        processed = runner.processor.apply(row[None].clone(), here)
        assert processed.isfinite().sum() == 1
        runner.commit(slot, [int(processed.argmax())])
    return request.output[1:]
