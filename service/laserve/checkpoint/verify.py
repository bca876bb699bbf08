"""Everything about a checkpoint that can be checked on disk, before an engine is touched."""

from laserve.checkpoint.adapters import check_adapter
from laserve.checkpoint.contents import CheckpointContents, find_eos_token_ids, read_settings
from laserve.checkpoint.meaning import check_meaning
from laserve.checkpoint.model_config import check_config
from laserve.checkpoint.served import ServedCheckpoint
from laserve.checkpoint.staging import StagedCheckpoint
from laserve.checkpoint.strict_json import few
from laserve.checkpoint.tokenizer import check_tokenizer, load_tokenizer
from laserve.checkpoint.weights import check_no_stray_weights, check_weights, read_weights
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
            _check_model(staged, served.contents)
        check_meaning(staged.manifest, served)
    except RecursionError as error:
        raise CheckpointRejected("one of its JSON files is nested too deeply") from error


def _check_model(staged: StagedCheckpoint, served: CheckpointContents) -> None:
    folder = staged.path
    settings = read_settings(folder)
    check_config(settings.config, served.settings.config)
    others, served_others = settings.others, served.settings.others
    strange = {
        name
        for name, content in others.items()
        if name not in served_others or content != served_others[name]
    }
    if strange:
        raise CheckpointRejected(
            f"files that the served checkpoint has not, or has otherwise: {few(strange)}. An "
            "engine might read them: leave them out"
        )
    check_no_stray_weights(folder)
    check_weights(read_weights(folder), served.tensors)
    tokenizer = load_tokenizer(folder)
    check_tokenizer(tokenizer, served.tokenizer)
    found, stated = find_eos_token_ids(settings, tokenizer), staged.manifest.eos_token_ids
    if found != frozenset(stated):
        raise CheckpointRejected(
            f"its tokenizer and generation_config.json end a completion at {sorted(found)}, its "
            f"manifest's eos_token_ids are {sorted(stated)}: restore the files that it was "
            "trained with"
        )
