"""The corpus of bad checkpoints: one mutation a defect, for the checks on disk and for a running
server alike."""

from collections.abc import Iterable

from tests.tiny_checkpoints.bad_configs import CONFIGS
from tests.tiny_checkpoints.bad_constants import CONSTANTS
from tests.tiny_checkpoints.bad_folders import FOLDERS
from tests.tiny_checkpoints.bad_manifests import MANIFESTS
from tests.tiny_checkpoints.bad_numbers import NUMBERS
from tests.tiny_checkpoints.bad_probes import PROBES
from tests.tiny_checkpoints.bad_tokenizers import TOKENIZERS
from tests.tiny_checkpoints.bad_weights import WEIGHT_FILES
from tests.tiny_checkpoints.mutation import Mutation, Stage

BAD: dict[str, Mutation] = {
    **FOLDERS,
    **MANIFESTS,
    **CONFIGS,
    **WEIGHT_FILES,
    **TOKENIZERS,
    **CONSTANTS,
    **PROBES,
    **NUMBERS,
}


def names(stages: Iterable[Stage]) -> list[str]:
    """The defects that are found at these stages."""
    return [name for name, mutation in BAD.items() if mutation.stage in stages]
