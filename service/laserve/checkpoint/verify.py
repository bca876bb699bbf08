"""Everything about a checkpoint that can be checked on disk, before an engine is touched."""

from collections.abc import Callable

from laserve.checkpoint.adapters import check_adapter
from laserve.checkpoint.contents import find_eos_token_ids, read_settings
from laserve.checkpoint.finite import check_finite
from laserve.checkpoint.generation_config import check_generation_config
from laserve.checkpoint.meaning import check_meaning
from laserve.checkpoint.model_config import check_config
from laserve.checkpoint.sampling import check_sampling
from laserve.checkpoint.served import ServedCheckpoint
from laserve.checkpoint.staging import StagedCheckpoint
from laserve.checkpoint.strict_json import few
from laserve.checkpoint.tokenizer import check_tokenizer, load_tokenizer
from laserve.checkpoint.weights import check_no_stray_weights, check_weights, read_weights
from laserve.errors import CheckpointRejected


def _nothing() -> None: ...


def verify(
    staged: StagedCheckpoint, served: ServedCheckpoint, go_on: Callable[[], None] = _nothing
) -> None:
    """Raise CheckpointRejected, naming the defect, unless `staged` can take the place of `served`.

    A whole checkpoint must have the served one's architecture, tensors, tokenizer, chat template
    and EOS, and sample alike where a request does not say how; an adapter must fit on its weights.
    Every number in the weights must be finite; what they are is for the golden probes to show.
    `go_on` is called while the weights are read, and may raise.
    """
    try:
        if staged.is_adapter:
            check_adapter(staged.path, served)
        else:
            _check_model(staged, served)
        check_meaning(staged.manifest, served)
        for path in sorted(staged.path.rglob("*.safetensors")):
            check_finite(staged.path, path.relative_to(staged.path).as_posix(), go_on)
    except RecursionError as error:
        raise CheckpointRejected("one of its JSON files is nested too deeply") from error


def _check_model(staged: StagedCheckpoint, served: ServedCheckpoint) -> None:
    folder, contents = staged.path, served.contents
    settings = read_settings(folder)
    check_config(settings.config, contents.settings.config)
    others, served_others = settings.others, contents.settings.others
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
    check_weights(read_weights(folder), contents.tensors)
    tokenizer = load_tokenizer(folder)
    check_tokenizer(tokenizer, contents.tokenizer)
    check_generation_config(folder)
    if served.samples_as_stated:
        check_sampling(settings, contents.settings)
    found, stated = find_eos_token_ids(settings, tokenizer), staged.manifest.eos_token_ids
    if found != frozenset(stated):
        raise CheckpointRejected(
            f"its tokenizer and generation_config.json end a completion at {sorted(found)}, its "
            f"manifest's eos_token_ids are {sorted(stated)}: restore the files that it was "
            "trained with"
        )
