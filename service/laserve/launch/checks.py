"""What an engine must be like for its scores to mean anything, checked before it starts."""

from vllm.config import ModelConfig, VllmConfig
from vllm.tokenizers import TokenizerLike

from laserve.core.eos import join_eos_tokens
from laserve.errors import ConfigurationError


def check_engine(config: VllmConfig) -> None:
    """Raise ConfigurationError where an engine of this configuration cannot be scored."""
    model = config.model_config
    if model.runner_type != "generate":
        raise ConfigurationError(
            f"{model.model} is run as a {model.runner_type} model: only generated text has a "
            "self-reward score. Use --runner generate"
        )
    if model.is_diffusion:
        raise ConfigurationError(
            f"{model.model} is a diffusion model: it has no token that follows its EOS"
        )
    if model.logprobs_mode != "raw_logprobs":
        raise ConfigurationError(
            f"--logprobs-mode {model.logprobs_mode} changes the log-probability that the score is "
            "made of. Leave it at raw_logprobs"
        )
    if model.skip_tokenizer_init:
        raise ConfigurationError(
            "--skip-tokenizer-init leaves no tokenizer to check the score token with. Remove it"
        )


def engine_eos_token_ids(model: ModelConfig, tokenizer: TokenizerLike) -> frozenset[int]:
    """The tokens that end a completion in the engine. Raises ConfigurationError where there is
    none."""
    configured = model.try_get_generation_config().get("eos_token_id")
    eos = join_eos_tokens(tokenizer.eos_token_id, configured)
    if eos is None:
        raise ConfigurationError(
            f"{model.model} has no EOS token, neither in its tokenizer nor in its generation "
            "configuration: no completion would end, and none could be scored"
        )
    return eos.every
