"""What a running server can take the place of its checkpoint."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from pydantic import JsonValue

from laserve.checkpoint.contents import CheckpointContents, read_contents
from laserve.core.manifest import Manifest
from laserve.core.score import ScoreParameters


@dataclass(frozen=True, slots=True)
class ServedCheckpoint:
    """The checkpoint that a server was started with, as others are compared with it."""

    contents: CheckpointContents
    """As they were when the server started, whatever becomes of the folder."""
    parameters: ScoreParameters
    manifest: Manifest | None
    """None where its parameters come from a preset or from flags."""
    max_model_len: int | None = None
    """The engine's context, in tokens; None for all that the model has."""
    max_lora_rank: int | None = None
    """Largest rank of an adapter; None where the engine takes no adapters."""
    samples_as_stated: bool = True
    """Whether the server takes its sampling defaults from its checkpoint's
    generation_config.json."""
    template_flag: Mapping[str, JsonValue] = field(default_factory=dict)
    """What --default-chat-template-kwargs says."""

    @classmethod
    def read(
        cls,
        folder: Path,
        parameters: ScoreParameters,
        manifest: Manifest | None,
        *,
        max_model_len: int | None = None,
        max_lora_rank: int | None = None,
        samples_as_stated: bool = True,
        template_flag: Mapping[str, JsonValue] | None = None,
    ) -> Self:
        """Read the folder that a server is started with; once, at its start.

        Raises CheckpointRejected where nothing can be compared with it, such as a checkpoint
        without safetensors.
        """
        contents = read_contents(folder)
        return cls(
            contents,
            parameters,
            manifest,
            max_model_len,
            max_lora_rank,
            samples_as_stated,
            template_flag or {},
        )
