"""In-flight scoring as a logits processor of Model Runner V2.

The same three states as in `processor_v1`, told per logits row from the tokens around it, on the
device and without a synchronisation. Under speculative decoding a request owns one row per draft
token, and a row's token may be a draft: the state follows what was fed at that row, so a draft
that is rejected leaves nothing behind.

Axes: R logits rows, V vocabulary, D digits.
"""

import torch
from vllm.config import VllmConfig
from vllm.sampling_params import SamplingParams
from vllm.v1.worker.gpu.sample.logits_processor import (
    LogitsContext,
    LogitsProcessor,
    LogitsProcRequestState,
)

from laserve.worker.codec import ScoreCodec
from laserve.worker.config import WorkerConfig, is_armed

READS_PER_STEP = 64
"""Rows whose log-probability is computed in one step. The count is fixed, so that choosing them
needs no synchronisation and the work is bounded; where more answers end in the same step, the
others stop with an empty message and are scored by a second request."""


class ScoreLogitsProcessor(LogitsProcessor):
    """Reads log p(z_c) after the EOS and sends it as token ids (see `codec`).

    vLLM constructs it in the worker, by the dotted path in `--logits-processors`.
    """

    def __init__(self, vllm_config: VllmConfig, req_states: LogitsProcRequestState) -> None:
        config = WorkerConfig.of(vllm_config)
        device = req_states.device
        self._z_c = config.z_c
        self._eos_token_ids = torch.tensor(sorted(config.eos_token_ids), device=device)
        self._codec = ScoreCodec(req_states.vocab_size, config.z_c)
        self._states = req_states
        # A row lies at most this many tokens behind a first EOS: the message that has been
        # committed, and the drafts of this step.
        window = self._codec.message_length + vllm_config.num_speculative_tokens
        self._backs = torch.arange(window, device=device)
        slots = req_states.max_num_reqs
        self._armed_here = [False] * slots
        self._armed = torch.zeros(slots, dtype=torch.bool, device=device)
        self._staged: set[int] = set()
        # z_c stands for a digit that is not known. The last slot takes writes meant for none.
        self._digits = torch.full((slots + 1, self._codec.digits), self._z_c, device=device)

    def add_request(self, req_idx: int, sampling_params: SamplingParams) -> bool:
        """Take over a slot; True where the request is armed."""
        self._armed_here[req_idx] = is_armed(sampling_params)
        self._staged.add(req_idx)
        return self._armed_here[req_idx]

    def apply_staged_writes(self) -> None:
        """Tell the device which slots are armed, and forget the digits of their old requests."""
        if not self._staged:
            return
        slots = torch.tensor(sorted(self._staged), device=self._armed.device)
        armed = [self._armed_here[slot] for slot in sorted(self._staged)]
        self._armed[slots] = torch.tensor(armed, device=self._armed.device)
        self._digits[slots] = self._z_c
        self._staged.clear()

    def apply(self, logits: torch.Tensor, ctx: LogitsContext) -> torch.Tensor:
        """Mask z_c on answer rows, force the message on the others.

        ``logits``: (R, V) float32, changed in place.
        """
        if not any(self._armed_here[slot] for slot in ctx.idx_mapping_np.tolist()):
            return logits
        slots = ctx.expanded_idx_mapping.long()
        armed = self._armed[slots]
        sent = torch.where(armed, self._tokens_since_eos(ctx, slots), -1)
        self._read(logits, ctx, slots, sent)

        digit = self._digits[slots, sent.clamp(0, self._codec.digits - 1)]
        in_message = (sent >= 0) & (sent < self._codec.digits)
        token = torch.where(in_message, digit, self._z_c)[:, None]
        forced = (sent >= 0)[:, None]

        z_c_column = logits[:, self._z_c]
        logits[:, self._z_c] = z_c_column.masked_fill(armed, float("-inf"))
        logits.masked_fill_(forced, float("-inf"))
        at_token = logits.gather(1, token)
        logits.scatter_(1, token, at_token.masked_fill(forced, 0.0))
        return logits

    def _tokens_since_eos(self, ctx: LogitsContext, slots: torch.Tensor) -> torch.Tensor:
        """How many output tokens follow the first EOS, the row's own token included.

        (R,) int64: 0 where the row's token is that EOS, -1 where there is none. An EOS after the
        first is a digit, or a draft that cannot be accepted.
        """
        rows = torch.arange(slots.shape[0], device=slots.device)
        prompt_len = self._states.prompt_len.gpu[slots].long()
        at = ctx.pos.long()[:, None] - self._backs
        committed = self._states.all_token_ids.gpu[slots[:, None], at.clamp(min=0)]
        # Draft tokens of this step are in the rows before, of the same request.
        drafted = ctx.input_ids[(rows[:, None] - self._backs).clamp(min=0)]
        tokens = torch.where(ctx.expanded_local_pos[:, None] >= self._backs, drafted, committed)
        is_eos = torch.isin(tokens.long(), self._eos_token_ids) & (at >= prompt_len[:, None])
        return torch.where(is_eos, self._backs, -1).amax(dim=1)

    def _read(
        self, logits: torch.Tensor, ctx: LogitsContext, slots: torch.Tensor, sent: torch.Tensor
    ) -> None:
        """Encode log p(z_c) of the rows right after their EOS into their slots' digits."""
        # An EOS that is prefilled again after a preemption may have a digit behind it already,
        # and the digits of two forward passes do not make one value.
        is_newest = ctx.pos + 1 >= self._states.total_len.gpu[slots]
        scoring = (sent == 0) & is_newest
        targets = torch.where(scoring, slots, self._digits.shape[0] - 1)
        # A draft of an EOS that was rejected may have left digits, and this row may not be read.
        self._digits[targets] = self._z_c
        rows = scoring.to(torch.int8).topk(min(READS_PER_STEP, logits.shape[0])).indices
        raw = logits[rows]
        logprobs = raw[:, self._z_c] - raw.logsumexp(dim=-1)
        self._digits[targets[rows]] = self._codec.encode(logprobs)
