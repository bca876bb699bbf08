"""In-flight scoring as a logits processor of vLLM's V1 interface.

Each armed row is in one of three states, told by its output tokens alone, so that preemption,
re-batching and chunked prefill need no bookkeeping:

    answer      no EOS yet: z_c is masked, the rest is vLLM's business
    scoring     the last token is the first EOS: log p(z_c) is read and its first digit forced
    message     tokens after the EOS: the next digit is forced; z_c where there is none, which
                ends the request if its scheduler does not (`worker.scheduler`)
"""

from dataclasses import dataclass, field

import torch
from vllm.config import VllmConfig
from vllm.sampling_params import SamplingParams
from vllm.v1.sample.logits_processor import BatchUpdate, LogitsProcessor
from vllm.v1.sample.logits_processor.builtin import process_dict_updates

from laserve.worker.codec import ScoreCodec
from laserve.worker.config import WorkerConfig, is_armed
from laserve.worker.probe_rows import keep_row, probe_key


@dataclass(slots=True)
class _Row:
    """One armed request in the batch."""

    output: list[int]
    """vLLM's own list of the request's output tokens; it grows in place."""
    digits: list[int] = field(default_factory=list)
    """The encoded value; empty where it was read before a preemption and is lost."""

    def tokens_since_eos(self, eos_token_ids: frozenset[int], window: int) -> int | None:
        """How many of the last ``window`` tokens follow the first EOS among them; None where
        there is none. A later EOS is a digit."""
        last = self.output[-window:]
        for index, token in enumerate(last):
            if token in eos_token_ids:
                return len(last) - 1 - index
        return None


class ScoreLogitsProcessor(LogitsProcessor):
    """Reads log p(z_c) after the EOS and sends it as token ids (see `codec`).

    vLLM constructs it in the worker, by the dotted path in `--logits-processors`.
    """

    def __init__(self, vllm_config: VllmConfig, device: torch.device, is_pin_memory: bool) -> None:
        config = WorkerConfig.of(vllm_config)
        self._z_c = config.z_c
        self._eos_token_ids = config.eos_token_ids
        self._codec = ScoreCodec(vllm_config.model_config.get_vocab_size(), config.z_c)
        self._rows: dict[int, _Row] = {}
        self._probes: dict[int, str] = {}

    def is_argmax_invariant(self) -> bool:
        """False: it forces tokens, greedy rows included."""
        return False

    def update_state(self, batch_update: BatchUpdate | None) -> None:
        """Follow vLLM's batch: rows added, removed and moved."""
        process_dict_updates(self._rows, batch_update, self._new_row)
        process_dict_updates(self._probes, batch_update, lambda params, *_: probe_key(params))

    def apply(self, logits: torch.Tensor) -> torch.Tensor:
        """Mask z_c on answer rows, force the message on the others.

        ``logits``: (num_reqs, V) float32, changed in place.
        """
        for index, key in self._probes.items():
            keep_row(key, logits[index])
        if not self._rows:
            return logits
        forced: dict[int, int] = {}
        scoring: list[int] = []
        for index, row in self._rows.items():
            # Further back than the digits there is no EOS: the message stops the request.
            sent = row.tokens_since_eos(self._eos_token_ids, self._codec.digits + 1)
            if sent == 0:
                scoring.append(index)
            elif sent is not None:
                forced[index] = row.digits[sent] if sent < len(row.digits) else self._z_c
        for index, digits in zip(scoring, self._read(logits, scoring), strict=True):
            self._rows[index].digits = digits
            forced[index] = digits[0]
        logits[list(self._rows), self._z_c] = float("-inf")
        if forced:
            rows = list(forced)
            logits[rows] = float("-inf")
            logits[rows, list(forced.values())] = 0.0
        return logits

    def _read(self, logits: torch.Tensor, rows: list[int]) -> list[list[int]]:
        """The digits of log p(z_c) for each of ``rows``, from their raw logits."""
        if not rows:
            return []
        raw = logits[rows]
        logprobs = raw[:, self._z_c] - raw.logsumexp(dim=-1)
        digits: list[list[int]] = self._codec.encode(logprobs).tolist()
        return digits

    def _new_row(
        self, params: SamplingParams, prompt: list[int] | None, output: list[int]
    ) -> _Row | None:
        return _Row(output) if is_armed(params) else None
