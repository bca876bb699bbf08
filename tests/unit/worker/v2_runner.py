"""The part of vLLM's Model Runner V2 that surrounds a logits processor, on the CPU.

The processor sees vLLM's own `LogitsContext` and `LogitsProcRequestState`. What is plain Python
here are Triton kernels there: sampling, rejection sampling and the bookkeeping of tokens.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import torch
from vllm import SamplingParams
from vllm.v1.worker.gpu.sample.logits_processor import LogitsContext, LogitsProcRequestState

from laserve.worker import processor_v2
from tests.interpreted_triton.kernels import interpret
from tests.unit.worker.toy_model import ToyModel, ToyRequest, vllm_config_for

Draft = Callable[[ToyRequest, int], tuple[list[int], torch.Tensor]]
"""Of a request and a number k: up to k draft tokens, and the distributions (k, V) they are
samples of."""

Watch = Callable[[list[ToyRequest], list[list[int]], torch.Tensor, torch.Tensor], None]
"""Of a step's requests, the tokens that each of their rows follows, and the logits (R, V) before
and after the processor."""

interpret()


class FakeBackedTensor:
    """For `UvaBackedTensor` and `StagedWriteTensor`, which need a device."""

    def __init__(self, *size: int) -> None:
        self.gpu = torch.zeros(size, dtype=torch.int32)
        self.np = self.gpu.numpy()


def states_of(model: ToyModel, slots: int) -> LogitsProcRequestState:
    """Those of an engine without requests."""
    length = 512
    return LogitsProcRequestState(
        device=torch.device("cpu"),
        max_num_reqs=slots,
        vocab_size=model.vocab_size,
        all_token_ids=cast(Any, FakeBackedTensor(slots, length)),
        prompt_len=cast(Any, FakeBackedTensor(slots)),
        prefill_len=cast(Any, FakeBackedTensor(slots)),
        total_len=cast(Any, FakeBackedTensor(slots)),
    )


@dataclass
class V2Runner:
    """Runs requests of a toy model, in a new row order at every step."""

    model: ToyModel
    slots: int = 8
    chunk: int = 10_000
    """Prefill is done in pieces of this many tokens."""
    num_speculative_tokens: int = 0
    draft: Draft | None = None
    watch: Watch | None = None
    masks_z_c: bool = False
    """z_c put aside by hand: plain vLLM for a model that never samples z_c."""
    order: random.Random = field(default_factory=lambda: random.Random(0))

    def __post_init__(self) -> None:
        self.free = list(range(self.slots))
        self.running: dict[int, ToyRequest] = {}
        self.states = states_of(self.model, self.slots)
        self.processor = processor_v2.ScoreLogitsProcessor(
            vllm_config_for(self.model, self.num_speculative_tokens), self.states
        )

    def add(self, request: ToyRequest) -> int:
        """Give the request a slot; what it has generated so far is prefilled with its prompt."""
        slot = self.free.pop()
        self.running[slot] = request
        request.computed = 0
        tokens = request.tokens
        # A recycled slot still holds the tokens of its last request behind these.
        self.states.all_token_ids.gpu[slot, : len(tokens)] = torch.tensor(tokens)
        self.states.prompt_len.gpu[slot] = len(request.prompt)
        self.states.prefill_len.gpu[slot] = len(tokens)
        self.states.total_len.gpu[slot] = len(tokens)
        params = SamplingParams(extra_args=request.extra_args)
        changes = self.processor.add_request(slot, params)
        assert changes == (request.extra_args is not None)
        return slot

    def remove(self, slot: int) -> ToyRequest:
        """Finish or preempt: the slot is free for another request."""
        self.free.append(slot)
        return self.running.pop(slot)

    def run(self, requests: list[ToyRequest]) -> list[ToyRequest]:
        """Generate to the end, as many at once as there are slots."""
        waiting = list(requests)
        while waiting or self.running:
            while waiting and self.free:
                self.add(waiting.pop(0))
            self.step()
        return requests

    def step(self) -> None:
        """One forward pass and its sampling."""
        self.processor.apply_staged_writes()
        batch = list(self.running)
        self.order.shuffle(batch)
        fed: list[list[int]] = []  # per request: the tokens whose rows have logits
        proposals: list[torch.Tensor | None] = []
        for slot in batch:
            request = self.running[slot]
            end = min(len(request.tokens), request.computed + self.chunk)
            drafts: list[int] = []
            proposal = None
            if self.draft and request.output and end == len(request.tokens):
                drafts, proposal = self.draft(request, self.num_speculative_tokens)
            fed.append([request.tokens[end - 1], *drafts])
            proposals.append(proposal)
            request.computed = end
        logits = self._logits(batch, fed)
        before = logits.clone() if self.watch else logits
        processed = self.processor.apply(logits, self._context(batch, fed))
        if self.watch:
            requests = [self.running[slot] for slot in batch]
            self.watch(requests, fed, before, processed)
        rows = torch.split(processed, [len(tokens) for tokens in fed])
        for slot, tokens, proposal, target in zip(batch, fed, proposals, rows, strict=True):
            request = self.running[slot]
            if request.computed == len(request.tokens):
                self.commit(slot, sample(target, tokens[1:], proposal, request))

    def _logits(self, batch: list[int], fed: list[list[int]]) -> torch.Tensor:
        contexts = [self.running[slot].tokens[: self.running[slot].computed] for slot in batch]
        logits = torch.stack(
            [
                self.model.row(context + tokens[1 : count + 1])
                for context, tokens in zip(contexts, fed, strict=True)
                for count in range(len(tokens))
            ]
        )
        if self.masks_z_c:
            logits[:, self.model.z_c] = float("-inf")
        return logits

    def _context(self, batch: list[int], fed: list[list[int]]) -> LogitsContext:
        first = [self.running[slot].computed - 1 for slot in batch]
        counts = [len(tokens) for tokens in fed]
        local = [i for count in counts for i in range(count)]
        return LogitsContext(
            expanded_idx_mapping=torch.tensor(batch).repeat_interleave(torch.tensor(counts)),
            idx_mapping=torch.tensor(batch),
            idx_mapping_np=np.array(batch, dtype=np.intp),
            expanded_local_pos=torch.tensor(local, dtype=torch.int32),
            input_ids=torch.tensor([t for tokens in fed for t in tokens], dtype=torch.int32),
            pos=torch.tensor(first).repeat_interleave(torch.tensor(counts)) + torch.tensor(local),
            seq_lens_upper_bound_np=np.array(
                [p + n for p, n in zip(first, counts, strict=True)], dtype=np.int32
            ),
        )

    def commit(self, slot: int, sampled: list[int]) -> None:
        """Append tokens to the request in ``slot``, up to the one that stops it."""
        request = self.running[slot]
        total = len(request.tokens)
        self.states.all_token_ids.gpu[slot, total : total + len(sampled)] = torch.tensor(
            sampled, dtype=torch.int32
        )
        self.states.total_len.gpu[slot] += len(sampled)
        for token in sampled:
            request.output.append(token)
            if request.finished(self.model):
                self.remove(slot)
                return


def sample(
    target: torch.Tensor, drafts: list[int], proposal: torch.Tensor | None, request: ToyRequest
) -> list[int]:
    """The tokens that come of a request's rows, (k + 1, V), and its k drafts.

    Without drafts: argmax, under Gumbel noise that belongs to the position where the temperature
    is not 0. With drafts: rejection sampling (Leviathan et al., arXiv 2211.17192).
    """
    generator = torch.Generator().manual_seed(request.seed * 100_003 + len(request.tokens))
    if request.temperature == 0:
        likeliest = target.argmax(1).tolist()
        accepted = 0
        while accepted < len(drafts) and drafts[accepted] == likeliest[accepted]:
            accepted += 1
        return cast(list[int], likeliest[: accepted + 1])
    if proposal is None:
        uniform = torch.rand(target.shape[1], generator=generator, dtype=torch.float64)
        noise = -(-uniform.clamp(min=1e-300).log()).log()
        return [int((target[0].double() / request.temperature + noise).argmax())]
    p = (target.double() / request.temperature).softmax(1)
    for index, token in enumerate(drafts):
        q = proposal[index]
        if torch.rand(1, generator=generator) * q[token] >= p[index, token]:
            left = (p[index] - q).clamp(min=0)
            return [*drafts[:index], int(torch.multinomial(left, 1, generator=generator))]
    return [*drafts, int(torch.multinomial(p[len(drafts)], 1, generator=generator))]


def context(slots: list[int], positions: list[int], tokens: list[int]) -> LogitsContext:
    """A step without drafts: one row for each request."""
    return LogitsContext(
        expanded_idx_mapping=torch.tensor(slots),
        idx_mapping=torch.tensor(slots),
        idx_mapping_np=np.array(slots, dtype=np.intp),
        expanded_local_pos=torch.zeros(len(slots), dtype=torch.int32),
        input_ids=torch.tensor(tokens, dtype=torch.int32),
        pos=torch.tensor(positions),
        seq_lens_upper_bound_np=np.array(positions, dtype=np.int32) + 1,
    )
