"""Whether sampling leaves anything to chance."""

from vllm.sampling_params import SamplingParams, SamplingType


def is_deterministic(params: SamplingParams, vocab_size: int) -> bool:
    """Whether one token alone can follow at each place, so that every sample is the same.

    At temperature 0; and where vLLM's sampler keeps only the most probable token, of which there is
    more than one where two have exactly the same logit: top_k 1, min_p 1, and a top_p under the
    probability that the most probable of ``vocab_size`` tokens has at least.
    """
    if params.sampling_type == SamplingType.GREEDY:
        return True
    return params.top_k == 1 or params.min_p >= 1.0 or params.top_p * vocab_size <= 1.0
