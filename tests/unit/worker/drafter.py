"""A drafter for toy models, to drive the V2 processor under speculative decoding."""

import random

import torch

from tests.unit.worker.toy_model import ToyModel, ToyRequest
from tests.unit.worker.v2_runner import Draft


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
