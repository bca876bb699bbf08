"""The Model Runner V2 processor under speculative decoding: rows of drafts, taken or rejected."""

import random

import pytest
import torch

from laserve.worker.processor_v2 import READS_PER_STEP
from tests.unit.toy_model import ToyModel, ToyRequest, assert_scored
from tests.unit.v2_runner import Draft, V2Runner


def drafter(model: ToyModel, seed: int = 0) -> Draft:
    """A drafter that is mostly right about the text, and as often proposes what could confuse:
    EOS ids, z_c, the message that is due, and tokens after it."""
    choice = random.Random(seed)
    generator = torch.Generator().manual_seed(seed)

    def draft(request: ToyRequest, most: int) -> tuple[list[int], torch.Tensor]:
        drafts: list[int] = []
        proposals = []
        for _ in range(choice.randint(0, most)):
            context = [*request.tokens, *drafts]
            proposal = 0.6 * model.row(context).double().softmax(0)
            traps = [*model.eos_token_ids, model.z_c, *due(model, request.prompt, context)]
            proposal[traps] += 0.4 / len(traps)
            proposal /= proposal.sum()
            drafts.append(int(torch.multinomial(proposal, 1, generator=generator)))
            proposals.append(proposal)
        return drafts, torch.stack(proposals) if proposals else torch.empty(0, model.vocab_size)

    return draft


def due(model: ToyModel, prompt: list[int], context: list[int]) -> list[int]:
    """The token of the message that comes next, if the answer has ended."""
    for index in range(len(prompt), len(context)):
        if context[index] in model.eos_token_ids:
            value = torch.tensor([model.logprob(context[: index + 1])])
            message = [*model.codec.encode(value)[0].tolist(), model.z_c]
            sent = len(context) - 1 - index
            return message[sent : sent + 1]
    return []


@pytest.mark.parametrize("vocab_size", [32, 384, 49_152])
@pytest.mark.parametrize("num_speculative_tokens", [1, 2, 3, 4, 5])
def test_each_answer_is_followed_by_its_score_whatever_is_drafted(
    num_speculative_tokens: int, vocab_size: int
) -> None:
    trials = 6 if vocab_size == 49_152 else 40
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
        requests = [ToyRequest([i], temperature=0.0, limit=60) for i in range(32)]
        return [request.output for request in runner.run(requests)]

    drafted = greedy(V2Runner(model, num_speculative_tokens=3, draft=drafter(model)))
    assert drafted == greedy(V2Runner(model))


def test_what_a_rejected_draft_left_is_never_sent_as_a_score() -> None:
    """An EOS is drafted and rejected in every slot; then more answers end at once than are read."""
    model = ToyModel(eos_rate=1e-6)
    eos = model.eos_token_ids[0]
    requests = [ToyRequest([60 + i], temperature=0.0) for i in range(READS_PER_STEP + 6)]
    runner = V2Runner(model, slots=len(requests), num_speculative_tokens=1)
    for request in requests:
        runner.add(request)
    runner.step()  # prefill
    for drafted in (requests[:35], requests[35:]):
        runner.draft = lambda request, most, drafted=drafted: (
            [eos] if request in drafted else [],
            torch.empty(0),
        )
        runner.step()
    runner.draft = None
    for slot, request in runner.running.items():
        assert eos not in request.output
        runner.commit(slot, [eos])
    while runner.running:
        runner.step()
    unread = [r for r in requests if r.message(model) == [model.z_c]]
    assert len(unread) == 6
    for request in requests:
        if request not in unread:
            assert_scored(model, request)
