"""Whether a request samples as the judged samples were drawn that its risk is bounded from."""

from vllm.exceptions import VLLMValidationError
from vllm.sampling_params import SamplingParams

from laserve.core.judged import CalibrationSampling

_NEUTRAL = (
    *("top_p", "top_k", "min_p", "presence_penalty", "frequency_penalty", "repetition_penalty"),
    *("stop", "stop_token_ids", "ignore_eos", "min_tokens", "structured_outputs", "logit_bias"),
    *("allowed_token_ids", "bad_words", "thinking_token_budget", "repetition_detection"),
)
"""What would sample otherwise, were it not as it is where a request does not say."""


def check_sampled_alike(params: SamplingParams, sampling: CalibrationSampling) -> None:
    """Raise VLLMValidationError, naming the parameter, unless the samples of a request with
    `params` are like those."""
    if params.temperature != sampling.temperature:
        raise _refusal("temperature", params.temperature, f"at {sampling.temperature:g}")
    needed, limit = sampling.max_tokens, params.max_tokens
    if limit is not None and (limit < needed or (limit > needed and sampling.unscored)):
        raise _refusal("max_tokens", limit, f"with {needed}")
    plain = SamplingParams()
    for name in _NEUTRAL:
        value, neutral = getattr(params, name), getattr(plain, name)
        if value != neutral:
            raise _refusal(name, value, "without" if not neutral else f"with {neutral:g}")


def _refusal(name: str, value: object, drawn: str) -> VLLMValidationError:
    return VLLMValidationError(
        f"{name} is {value}, and the checkpoint's judged samples, which max_risk is bounded from, "
        f"were drawn {drawn}: their bound does not hold here. Set it so, or leave max_risk out",
        parameter=name,
    )
