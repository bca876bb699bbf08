"""The part of vLLM's V1 model runner that surrounds a logits processor.

Batch, batch updates and sampler are vLLM's own; the model is a toy, and what vLLM's scheduler
decides is done by the tests.
"""

import random
from dataclasses import dataclass, field

import torch
from vllm import SamplingParams
from vllm.platforms import current_platform
from vllm.v1.sample.logits_processor import LogitsProcessors
from vllm.v1.sample.sampler import Sampler
from vllm.v1.worker.gpu_input_batch import CachedRequestState, InputBatch

from laserve.worker.processor_v1 import ScoreLogitsProcessor
from tests.unit.worker.toy_model import ToyModel, ToyRequest, vllm_config_for

current_platform.import_kernels()  # vLLM's greedy sampler


@dataclass
class V1Runner:
    """Runs requests of a toy model, and swaps their rows from time to time."""

    model: ToyModel
    slots: int = 8
    chunk: int = 10_000
    """Prefill is done in pieces of this many tokens."""
    masks_z_c: bool = False
    """z_c put aside by hand: plain vLLM for a model that never samples z_c."""
    order: random.Random = field(default_factory=lambda: random.Random(0))

    def __post_init__(self) -> None:
        device = torch.device("cpu")
        self.processor = ScoreLogitsProcessor(vllm_config_for(self.model), device, False)
        self.sampler = Sampler()
        self.running: dict[str, ToyRequest] = {}
        self.batch = InputBatch(
            max_num_reqs=self.slots,
            max_model_len=1024,
            max_num_batched_tokens=1024,
            device=device,
            vocab_size=self.model.vocab_size,
            block_sizes=[16],
            max_num_blocks_per_req=[64],
            logitsprocs=LogitsProcessors([self.processor]),
            logitsprocs_need_output_token_ids=True,
        )

    def add(self, request: ToyRequest) -> str:
        """Take a new or a resumed request into the batch; returns its id."""
        request_id = str(id(request))
        self.running[request_id] = request
        request.computed = 0
        params = SamplingParams(
            temperature=request.temperature,
            extra_args=request.extra_args,
        )
        generator = None
        if request.temperature:
            # As many draws as tokens: a resumed request goes on where it was.
            generator = torch.Generator().manual_seed(request.seed * 100_003 + len(request.output))
        state = CachedRequestState(
            req_id=request_id,
            prompt_token_ids=request.prompt,
            mm_features=[],
            sampling_params=params,
            generator=generator,
            block_ids=([0],),
            num_computed_tokens=0,
            output_token_ids=request.output,
        )
        self.batch.add_request(state)
        return request_id

    def remove(self, request_id: str) -> ToyRequest:
        """Finish, preempt or skip: the request leaves the batch."""
        self.batch.remove_request(request_id)
        return self.running.pop(request_id)

    def run(self, requests: list[ToyRequest]) -> list[ToyRequest]:
        """Generate to the end, as many at once as there are rows."""
        waiting = list(requests)
        while waiting or self.running:
            while waiting and len(self.running) < self.slots:
                self.add(waiting.pop(0))
            self.step()
        return requests

    def step(self) -> None:
        """One forward pass and its sampling."""
        self.batch.condense()
        if len(self.running) > 1 and self.order.random() < 0.3:
            self.batch.swap_states(*self.order.sample(range(len(self.running)), 2))
        self.batch.refresh_metadata()
        requests = [self.running[request_id] for request_id in self.batch.req_ids]
        for request in requests:
            request.computed = min(len(request.tokens), request.computed + self.chunk)
        logits = torch.stack([self.model.row(r.tokens[: r.computed]) for r in requests])
        if self.masks_z_c:
            logits[:, self.model.z_c] = float("-inf")
        sampled = self.sampler(logits, self.batch.sampling_metadata).sampled_token_ids
        for request_id, request, token in zip(
            list(self.batch.req_ids), requests, sampled.flatten().tolist(), strict=True
        ):
            if request.computed < len(request.tokens):
                continue  # vLLM drops what it samples before the prefill is done
            request.output.append(token)
            if request.finished(self.model):
                self.remove(request_id)
