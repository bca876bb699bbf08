"""The Model Runner V2 processor under speculative decoding: rows of drafts, taken or rejected."""

import pytest
import torch

from tests.unit.worker.drafter import drafter
from tests.unit.worker.toy_model import ToyModel, ToyRequest, assert_scored
from tests.unit.worker.v2_runner import V2Runner


@pytest.mark.parametrize("vocab_size", [32, 384, 49_152])
@pytest.mark.parametrize("num_speculative_tokens", [1, 2, 3, 4, 5])
def test_each_answer_is_followed_by_its_score_whatever_is_drafted(
    num_speculative_tokens: int, vocab_size: int
) -> None:
    trials = 4 if vocab_size == 49_152 else 5
    model = ToyModel(vocab_size=vocab_size, eos_token_ids=(5, 21, 30), eos_rate=0.15)
    requests = [
        ToyRequest(
            [*range(40), i % 16][-1 - i % 5 :],
            seed=i,
            limit=400,
            temperature=(1.0, 0.7)[i % 2],
        )
        for i in range(trials)
    ]
    V2Runner(
        model,
        slots=16,
        chunk=3,
        num_speculative_tokens=num_speculative_tokens,
        draft=drafter(model, num_speculative_tokens),
    ).run(requests)
    for request in requests:
        assert_scored(model, request)


def test_greedy_answers_do_not_depend_on_the_drafts() -> None:
    model = ToyModel(vocab_size=384, eos_token_ids=tuple(range(0, 380, 4)), eos_rate=0.3)

    def greedy(runner: V2Runner) -> list[list[int]]:
        requests = [ToyRequest([i], temperature=0.0, limit=60) for i in range(12)]
        return [request.output for request in runner.run(requests)]

    drafted = greedy(V2Runner(model, num_speculative_tokens=3, draft=drafter(model)))
    assert drafted == greedy(V2Runner(model))


def test_what_a_rejected_draft_left_is_never_sent_as_a_score() -> None:
    """An EOS is drafted and rejected; then answers end, of some without the row that would read
    their value: an EOS and a token behind it are committed at once."""
    model = ToyModel(eos_rate=1e-6)
    eos = model.eos_token_ids[0]
    requests = [ToyRequest([60 + i], temperature=0.0) for i in range(8)]
    runner = V2Runner(model, slots=len(requests), num_speculative_tokens=1)
    for request in requests:
        runner.add(request)
    runner.step()  # prefill
    runner.draft = lambda request, most: ([eos], torch.empty(0))
    runner.step()
    runner.draft = None
    for slot, request in runner.running.items():
        assert eos not in request.output
        runner.commit(slot, [eos] if request in requests[:4] else [eos, 9])
    while runner.running:
        runner.step()
    for request in requests[:4]:
        assert_scored(model, request)
    for request in requests[4:]:
        assert request.message(model) == [9, model.z_c]
