"""Whether two checkpoints sample alike where a request does not say how."""

from laserve.checkpoint.contents import Settings
from laserve.errors import CheckpointRejected

SAMPLING_DEFAULTS = (
    *("temperature", "top_p", "top_k", "min_p", "repetition_penalty", "max_new_tokens"),
)
"""What vLLM's server takes from generation_config.json, as it starts (`get_diff_sampling_param` of
its ModelConfig)."""


def check_sampling(found: Settings, served: Settings) -> None:
    """Raise CheckpointRejected unless both state the same defaults.

    The server keeps to those that it was started with: a checkpoint with others would answer
    otherwise than after a restart, and nothing would tell.
    """
    ours, theirs = (settings.generation or {} for settings in (found, served))
    for key in SAMPLING_DEFAULTS:
        if ours.get(key) != theirs.get(key):
            raise CheckpointRejected(
                f"generation_config.json states {key}={ours.get(key)!r}, and the server samples "
                f"with {theirs.get(key)!r} from its start where a request does not say: make them "
                "the same, or start the server with it; with --generation-config vllm neither "
                "counts"
            )
