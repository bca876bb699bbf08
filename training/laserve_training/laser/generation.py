"""Which settings of generation leave a rollout and its score what they are.

A rollout's score is read from the raw distribution, and GRPO's ratios take the rollout to be
sampled from it. Penalties and biases change it before a logits processor such as ours sees it, and
what begins, ends or counts rollouts is the trainer's.
"""

from collections.abc import Mapping

from laserve.errors import ConfigurationError

OWN_KEYS = frozenset({"temperature", "top_p", "top_k", "min_p", "repetition_penalty"})
"""Arguments of the trainer by themselves."""
TRANSFORMERS = frozenset(
    {
        *("typical_p", "epsilon_cutoff", "eta_cutoff", "top_h"),  # after our logits processor
        *("use_cache", "cache_config", "prefill_chunk_size"),
    }
)
VLLM = frozenset({"bad_words", "frequency_penalty", "presence_penalty", "min_tokens", "logit_bias"})
"""The score is read in a forward pass of its own there, and the ratios are corrected."""


def check_generation(given: Mapping[str, object], use_vllm: bool) -> None:
    """Raise ConfigurationError for a key of `generation_kwargs` that changes more than it says."""
    known = VLLM if use_vllm else TRANSFORMERS
    for key in given:
        if key in OWN_KEYS:
            raise ConfigurationError(f"generation_kwargs.{key}: set the trainer's own {key}")
        if key not in known:
            raise ConfigurationError(
                f"generation_kwargs.{key} may change the distribution that a rollout's score is "
                f"read from, or where a rollout ends. Leave it out; what can be set is "
                f"{', '.join(sorted(known))}"
            )


def barring(token: str, z_c: int, given: Mapping[str, object]) -> dict[str, object]:
    """vLLM's `generation_kwargs` with z_c, whose text is `token`, kept out of rollouts as it is
    kept out in serving. Raises ConfigurationError where they steer z_c."""
    words, biases = given.get("bad_words") or [], given.get("logit_bias") or {}
    if not isinstance(words, list) or not isinstance(biases, Mapping):
        raise ConfigurationError(
            "generation_kwargs: bad_words is a list of texts, logit_bias a table by token id"
        )
    if str(z_c) in map(str, biases):
        raise ConfigurationError(f"generation_kwargs.logit_bias steers the score token {z_c}")
    return {**given, "bad_words": [token, *words]}
