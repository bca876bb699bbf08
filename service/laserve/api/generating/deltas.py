"""What the readers of a stream keep of it.

They put the answer together out of the deltas of its chunks, and drop what else a choice or a chunk
carries. The delta's `provider_specific_fields`, LiteLLM's name for what OpenAI's API has not, reach
the message of LiteLLM's `stream_chunk_builder` and of the official client's
`chat.completions.stream()`.
"""

from typing import Any


def keep(choice: dict[str, Any], name: str, value: object) -> None:
    """Say it on the choice's delta too. A choice that is no chunk's has none."""
    delta = choice.get("delta")
    if isinstance(delta, dict):
        delta.setdefault("provider_specific_fields", {})[name] = value
