"""In-flight scoring as a logits processor of Model Runner V2.

The same three states as in `processor_v1`, told per logits row from the tokens around it, on the
device: one launch of `score_kernel` in a step, and no copy but that of a request's state to the
device, made as vLLM makes those of its own. Under speculative decoding a request owns one row per
draft token, and a row's token may be a draft: the state follows what was fed at that row, so a
draft that is rejected leaves nothing behind.

Axes: R logits rows, V vocabulary.
"""

from typing import Any

import torch
from vllm.config import VllmConfig
from vllm.platforms import current_platform
from vllm.sampling_params import SamplingParams
from vllm.utils.math_utils import next_power_of_2
from vllm.v1.worker.gpu.buffer_utils import UvaBackedTensor
from vllm.v1.worker.gpu.sample.logits_processor import (
    LogitsContext,
    LogitsProcessor,
    LogitsProcRequestState,
)

from laserve.worker import score_kernel
from laserve.worker.codec import RANGE, ScoreCodec
from laserve.worker.config import WorkerConfig, is_armed
from laserve.worker.probe_rows import keep_row, probe_key
from laserve.worker.top_k_top_p import compile_top_k_top_p


class ScoreLogitsProcessor(LogitsProcessor):
    """Reads log p(z_c) after the EOS and sends it as token ids (see `codec`).

    vLLM constructs it in the worker, by the dotted path in `--logits-processors`.
    """

    def __init__(self, vllm_config: VllmConfig, req_states: LogitsProcRequestState) -> None:
        config = WorkerConfig.of(vllm_config)
        codec = ScoreCodec(req_states.vocab_size, config.z_c)
        slots, device = req_states.max_num_reqs, req_states.device
        self._states = req_states
        # How many requests a slot has had; negative where the present one is not armed.
        self._requests = UvaBackedTensor(slots, torch.int32)
        self._is_staged = False
        self._has_armed = False
        # Slot -> key of the probes that have not been read yet.
        self._probes: dict[int, str] = {}
        # The level that a slot's request has read, and the request and EOS that it was read for.
        self._values = torch.zeros(slots, 2, dtype=torch.int64, device=device)
        eos = sorted(config.eos_token_ids)
        eos += eos[:1] * (next_power_of_2(len(eos)) - len(eos))
        self._eos_token_ids = torch.tensor(eos, dtype=torch.int32, device=device)
        drafts = vllm_config.num_speculative_tokens
        self._constants: dict[str, Any] = {
            "NUM_EOS": len(eos),
            "Z_C": codec.z_c,
            "DIGITS": codec.digits,
            "BASE": codec.base,
            "OUT_OF_RANGE": codec.out_of_range,
            "RANGE": RANGE,
            "MAX_ROWS": drafts + 1,
            # A row lies at most this many tokens behind a first EOS: the message that has been
            # committed, and the drafts of this step.
            "LOOKBACK": next_power_of_2(codec.digits + 1 + drafts),
            "num_warps": score_kernel.NUM_WARPS,
        }
        # Here, as vLLM's monitor of compilations is not on yet.
        if current_platform.is_cuda() and vllm_config.kernel_config.enable_jit_warmup:
            compile_top_k_top_p(device, req_states.vocab_size, slots * (drafts + 1))

    def add_request(self, req_idx: int, sampling_params: SamplingParams) -> bool:
        """Take over a slot; True where the request is armed, or a probe."""
        armed, key = is_armed(sampling_params), probe_key(sampling_params)
        self._probes.pop(req_idx, None)
        if key is not None:
            self._probes[req_idx] = key
        count = abs(int(self._requests.np[req_idx])) + 1
        self._requests.np[req_idx] = count if armed else -count
        self._is_staged = True
        self._has_armed |= armed
        return armed or key is not None

    def apply_staged_writes(self) -> None:
        """Tell the device what has become of the slots."""
        if self._is_staged:
            self._requests.copy_to_uva()
            self._is_staged = False

    def apply(self, logits: torch.Tensor, ctx: LogitsContext) -> torch.Tensor:
        """Mask z_c on answer rows, force the message on the others.

        ``logits``: (R, V) float32, changed in place.
        """
        if self._probes:
            self._keep_probes(logits, ctx)
        # Before the first armed request it always runs: vLLM's warm-up, which sends none, compiles
        # it along with its own kernels.
        if self._has_armed and not (self._requests.np[ctx.idx_mapping_np] > 0).any():
            return logits
        score_kernel.write_messages[(logits.shape[0],)](
            logits,
            logits.stride(0),
            logits.shape[1],
            ctx.expanded_idx_mapping,
            ctx.expanded_local_pos,
            ctx.pos,
            ctx.input_ids,
            self._requests.gpu,
            self._states.prompt_len.gpu,
            self._states.total_len.gpu,
            self._states.all_token_ids.gpu,
            self._states.all_token_ids.gpu.stride(0),
            self._values,
            self._eos_token_ids,
            **self._constants,
        )
        return logits

    def _keep_probes(self, logits: torch.Tensor, ctx: LogitsContext) -> None:
        """Keep the rows that follow a whole prompt. It waits for the device, which only a load
        that is being proven does."""
        slots, positions = ctx.expanded_idx_mapping.tolist(), ctx.pos.tolist()
        for row, (slot, position) in enumerate(zip(slots, positions, strict=True)):
            if slot in self._probes and position + 1 == self._states.prompt_len.np[slot]:
                keep_row(self._probes.pop(slot), logits[row])
