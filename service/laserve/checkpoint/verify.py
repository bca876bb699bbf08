"""Everything about a checkpoint that can be checked on disk, before an engine is touched."""

from laserve.checkpoint.adapters import check_adapter
from laserve.checkpoint.contents import read_contents
from laserve.checkpoint.meaning import check_meaning
from laserve.checkpoint.model_config import check_config
from laserve.checkpoint.served import ServedCheckpoint
from laserve.checkpoint.staging import StagedCheckpoint
from laserve.checkpoint.strict_json import few
from laserve.checkpoint.tokenizer import check_tokenizer
from laserve.checkpoint.weights import check_no_stray_weights, check_weights
from laserve.errors import CheckpointRejected


def verify(staged: StagedCheckpoint, served: ServedCheckpoint) -> None:
    """Raise CheckpointRejected, naming the defect, unless `staged` can take the place of `served`.

    A whole checkpoint must have the served one's architecture, tensors, tokenizer, chat template
    and EOS; an adapter must fit on its weights. What the numbers in the weights are is for the
    golden probes to show.
    """
    try:
        if staged.is_adapter:
            check_adapter(staged.path, served)
        else:
            _check_model(staged, served)
        check_meaning(staged.manifest, served)
    except RecursionError as error:
        raise CheckpointRejected("one of its JSON files is nested too deeply") from error


def _check_model(staged: StagedCheckpoint, served: ServedCheckpoint) -> None:
    check_no_stray_weights(staged.path)
    found, expected = read_contents(staged.path), served.contents
    check_config(found.config, expected.config)
    check_weights(found.tensors, expected.tensors)
    check_tokenizer(found.tokenizer, expected.tokenizer)
    others = {
        name
        for name, content in found.other_json.items()
        if name not in expected.other_json or content != expected.other_json[name]
    }
    if others:
        raise CheckpointRejected(
            f"files that the served checkpoint has not, or has otherwise: {few(others)}. An engine "
            "might read them: leave them out"
        )
    if found.eos_token_ids != frozenset(staged.manifest.eos_token_ids):
        raise CheckpointRejected(
            f"its tokenizer and generation_config.json end a completion at "
            f"{sorted(found.eos_token_ids)}, its manifest's eos_token_ids are "
            f"{sorted(staged.manifest.eos_token_ids)}: restore the files that it was trained with"
        )
