"""Whether an engine can be started with a checkpoint's generation_config.json."""

from pathlib import Path

from laserve.checkpoint.contents import GENERATION_CONFIG_NAME
from laserve.checkpoint.tokenizer import ANY_FAULT
from laserve.errors import CheckpointRejected


def check_generation_config(folder: Path) -> None:
    """Raise CheckpointRejected where transformers, with which vLLM reads it, does not take it.

    A load in place does not read it: the engine that is started in the place of one that died does.
    """
    # Imported late: it takes seconds, and the command line stays quick without.
    from transformers import GenerationConfig

    if not (folder / GENERATION_CONFIG_NAME).exists():
        return
    try:
        GenerationConfig.from_pretrained(folder, local_files_only=True)
    except ANY_FAULT as error:
        raise CheckpointRejected(
            f"{GENERATION_CONFIG_NAME} cannot be used: {type(error).__name__}: {error}"
        ) from error
