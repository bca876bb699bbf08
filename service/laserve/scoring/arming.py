"""Whether and how a request can be scored, and its sampling parameters when armed."""

from dataclasses import dataclass

import msgspec
from vllm.config import VllmConfig
from vllm.sampling_params import SamplingParams

from laserve.core.types import Method
from laserve.worker.codec import ScoreCodec
from laserve.worker.config import armed_extra_args, processor_path


@dataclass(frozen=True)
class Arming:
    """Arms requests for one engine.

    Attributes:
        codec: the transport, which says how many tokens the message takes.
        eos_token_ids: the tokens that end an answer.
        max_model_len: the context limit, in tokens.
        in_flight: whether the engine runs our logits processor.
        row_after_penalties: whether the processor sees the row after penalties (Model Runner V2).
    """

    codec: ScoreCodec
    eos_token_ids: frozenset[int]
    max_model_len: int
    in_flight: bool
    row_after_penalties: bool

    @classmethod
    def for_engine(
        cls, vllm_config: VllmConfig, codec: ScoreCodec, eos_token_ids: frozenset[int]
    ) -> "Arming":
        """Read off vLLM's configuration what its engine can do."""
        model = vllm_config.model_config
        return cls(
            codec=codec,
            eos_token_ids=eos_token_ids,
            max_model_len=model.max_model_len,
            # Without it nothing would end an armed request, nor send a score.
            in_flight=processor_path(vllm_config) in (model.logits_processors or ())
            # Their per-token arrays ride along with the tokens; the message would need cutting
            # out of them too.
            and not (
                vllm_config.aux_output_config.enable_return_routed_experts
                or model.return_sampling_mask
            ),
            row_after_penalties=vllm_config.use_v2_model_runner,
        )

    def method(self, params: SamplingParams) -> Method | None:
        """How the answers to a request are scored; None where they cannot be: no EOS ends them."""
        if params.ignore_eos:
            return None
        if not self.in_flight or self._changes_scored_row(params) or _watches_tokens(params):
            return Method.POST_HOC
        return Method.IN_FLIGHT

    def armed(self, params: SamplingParams) -> SamplingParams:
        """A copy that goes on after the EOS for as long as the message takes.

        An answer without EOS runs on beyond its limit by as many tokens, which are dropped: to
        stop it there by force would need a token that a grammar may not admit.

        The EOS ids stay in vLLM's `all_stop_token_ids` (they do with `ignore_eos` too), so
        `min_tokens` and grammars treat them as before.
        """
        stop_token_ids = params.stop_token_ids or []
        armed: SamplingParams = msgspec.structs.replace(
            params,
            ignore_eos=True,
            stop_token_ids=[
                *(token for token in stop_token_ids if token not in self.eos_token_ids),
                self.codec.z_c,
            ],
            max_tokens=None if params.max_tokens is None else params.max_tokens + self.codec.digits,
            extra_args=armed_extra_args(params),
            _all_stop_token_ids=set(params.all_stop_token_ids),
        )
        return armed

    def _changes_scored_row(self, params: SamplingParams) -> bool:
        """Whether the row that the processor sees after the EOS may differ from the raw one."""
        if params.logit_bias or params.allowed_token_ids or params.bad_words:
            return True
        return self.row_after_penalties and (
            params.presence_penalty != 0
            or params.frequency_penalty != 0
            or params.repetition_penalty != 1
        )


def supports_in_flight(vllm_config: VllmConfig) -> bool:
    """Whether the engine accepts custom logits processors: the V1 runner refuses them with
    speculative decoding."""
    return vllm_config.use_v2_model_runner or vllm_config.speculative_config is None


def _watches_tokens(params: SamplingParams) -> bool:
    """Whether something else than the EOS reads or forces output tokens.

    Stop strings are matched against the text, where digits would appear as words; a thinking
    budget and a replayed trace force tokens after our processor; a prefill worker of a
    disaggregated deployment must stop after its own limit.
    """
    return bool(
        params.stop
        or params.thinking_token_budget is not None
        or params.trace_decode_token_ids
        or (params.extra_args or {}).get("kv_transfer_params")
    )
