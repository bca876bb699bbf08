"""Whether two checkpoints sample alike where a request does not say how."""

from laserve.checkpoint.contents import Settings
from laserve.errors import CheckpointRejected

NEUTRAL: dict[str, float | None] = {
    "temperature": 1.0,
    "top_p": 1.0,
    "top_k": 0,
    "min_p": 0.0,
    "repetition_penalty": 1.0,
    "max_new_tokens": None,
}
"""What vLLM's server takes from generation_config.json as it starts (`get_diff_sampling_param` of
its ModelConfig), and what it does where that does not say."""


def check_sampling(found: Settings, served: Settings) -> None:
    """Raise CheckpointRejected unless both state the same defaults.

    The server keeps to those that it was started with: a checkpoint with others would answer
    otherwise than after a restart, and nothing would tell.
    """
    ours, theirs = (settings.generation or {} for settings in (found, served))
    for key, neutral in NEUTRAL.items():
        stated, kept = (generation.get(key, neutral) for generation in (ours, theirs))
        if stated != kept:
            raise CheckpointRejected(
                f"generation_config.json gives {key}={stated!r} to requests that state none, and "
                f"the server gives them {kept!r} from its start on: make them the same, or start "
                "the server with it; with --generation-config vllm neither counts"
            )
