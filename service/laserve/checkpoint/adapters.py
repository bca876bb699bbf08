"""Whether a LoRA adapter fits on the served weights, and is one that vLLM computes right.

Format: PEFT's, as `vllm.lora.peft_helper` and `vllm.lora.lora_model` read it.
"""

import math
import re
import reprlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from laserve.checkpoint.safetensors_header import Tensor, read_header
from laserve.checkpoint.served import ServedCheckpoint
from laserve.checkpoint.staging import ADAPTER_CONFIG_NAME
from laserve.checkpoint.strict_json import few, read_object
from laserve.errors import CheckpointRejected

WEIGHTS_NAME = "adapter_model.safetensors"

_UNSUPPORTED = (
    *("use_dora", "lora_bias", "alora_invocation_tokens", "layer_replication", "use_bdlora"),
    *("use_qalora", "modules_to_save", "trainable_token_indices", "target_parameters"),
)
"""Settings with which an adapter is more than two matrices a module."""
_PLAIN_INITS = {"gaussian", "eva", "orthogonal", "mica", "lora_ga"}
"""Values of init_lora_weights, beside true and false, that leave the base weights alone."""
_FLOATS = {"F32", "F16", "BF16"}
_TENSOR = re.compile(r"base_model\.model\.(?P<module>.+)\.(?P<side>lora_[AB])\.weight")


def check_adapter(folder: Path, served: ServedCheckpoint) -> None:
    """Raise CheckpointRejected, naming the defect, unless the adapter fits.

    It is used with the served tokenizer, whatever files of one lie beside it.
    """
    if served.max_lora_rank is None:
        raise CheckpointRejected(
            "it is a LoRA adapter, and the server was started without --enable-lora"
        )
    strays = {path.name for path in folder.rglob("*.safetensors")} - {WEIGHTS_NAME}
    if strays or not (folder / WEIGHTS_NAME).exists():
        raise CheckpointRejected(
            f"an adapter's weights are {WEIGHTS_NAME!r} alone"
            + (f", and there are {few(strays)}" if strays else ", which is missing")
        )
    config = read_object(folder, ADAPTER_CONFIG_NAME)
    ranks = _check_settings(config, served.max_lora_rank)
    _check_targets(config, served.contents.tensors)
    _check_tensors(read_header(folder, WEIGHTS_NAME), ranks, served.contents.tensors)


def _check_settings(config: dict[str, Any], limit: int) -> set[int]:
    """The ranks that its matrices may have, none above `limit`."""
    if config.get("peft_type") != "LORA":
        raise _setting(config, "peft_type", "only LORA is served")
    for key in _UNSUPPORTED:
        if config.get(key):
            raise _setting(config, key, "vLLM does not serve such adapters")
    if config.get("bias", "none") != "none":
        raise _setting(config, "bias", "only none is served")
    init = config.get("init_lora_weights", True)
    if not isinstance(init, bool) and not (isinstance(init, str) and init in _PLAIN_INITS):
        raise _setting(config, "init_lora_weights", "it changes the base weights too")
    alphas = _pattern(config, "alpha_pattern")
    if not all(_is_number(alpha) for alpha in (config.get("lora_alpha"), *alphas)):
        raise _setting(config, "lora_alpha", "it and alpha_pattern must be numbers")
    ranks = [config.get("r"), *_pattern(config, "rank_pattern")]
    if not all(type(rank) is int and 0 < rank <= limit for rank in ranks):
        raise _setting(
            config, "r", f"it and rank_pattern must be 1 to {limit} (--max-lora-rank of the server)"
        )
    return set(ranks)


def _check_targets(config: dict[str, Any], base: Mapping[str, Tensor]) -> None:
    """A module that is named must be in the base; a pattern names none."""
    targets = config.get("target_modules")
    if isinstance(targets, str):
        return
    if not isinstance(targets, list) or not all(isinstance(target, str) for target in targets):
        raise _setting(config, "target_modules", "it must be names of modules")
    modules = {f".{name.rpartition('.')[0]}" for name in base}
    absent = {
        target for target in targets if not any(module.endswith(f".{target}") for module in modules)
    }
    if absent:
        raise CheckpointRejected(
            f"target_modules that the served model does not have: {few(absent)}"
        )


def _check_tensors(
    tensors: Mapping[str, Tensor], ranks: set[int], base: Mapping[str, Tensor]
) -> None:
    pairs: dict[str, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        match = _TENSOR.fullmatch(name)
        if match is None:
            raise CheckpointRejected(
                f"{WEIGHTS_NAME!r}: {name!r} is no lora_A or lora_B of a linear module: only such "
                "are served"
            )
        if tensor.dtype not in _FLOATS or len(tensor.shape) != 2:
            raise CheckpointRejected(f"{WEIGHTS_NAME!r}: {name!r} is {tensor}, and no matrix")
        pairs.setdefault(match["module"], {})[match["side"]] = tensor
    if not pairs:
        raise CheckpointRejected(f"{WEIGHTS_NAME!r} holds no tensor")
    for module, pair in sorted(pairs.items()):
        _check_pair(module, pair, ranks, base)


def _check_pair(
    module: str, pair: Mapping[str, Tensor], ranks: set[int], base: Mapping[str, Tensor]
) -> None:
    """W + scale * B A: A is [rank, in], B is [out, rank], W is [out, in]."""
    if len(pair) != 2:
        raise CheckpointRejected(f"{module!r} has {next(iter(pair))} and not the other matrix")
    (rank, inputs), (outputs, other_rank) = pair["lora_A"].shape, pair["lora_B"].shape
    if rank != other_rank or rank not in ranks:
        raise CheckpointRejected(
            f"{module!r} has matrices of rank {rank} and {other_rank}, its configuration says "
            f"{sorted(ranks)}"
        )
    weight = base.get(f"{module}.weight")
    if weight is None:
        raise CheckpointRejected(f"the served model has no linear module {module!r}")
    if weight.shape != (outputs, inputs):
        raise CheckpointRejected(
            f"{module!r} has an adapter for {[outputs, inputs]}, and the served model's weight is "
            f"{list(weight.shape)}"
        )


def _pattern(config: dict[str, Any], key: str) -> list[Any]:
    """The values of a setting that maps modules to values.

    vLLM takes its keys for regular expressions, so only keys that match at once are let through.
    """
    pattern = config.get(key) or {}
    if not isinstance(pattern, dict) or not all(
        re.fullmatch(r"[\w.\\^-]+", name) for name in pattern
    ):
        raise _setting(config, key, "it must map names of modules")
    return list(pattern.values())


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _setting(config: dict[str, Any], key: str, problem: str) -> CheckpointRejected:
    return CheckpointRejected(
        f"{ADAPTER_CONFIG_NAME!r}: {key} is {reprlib.repr(config.get(key))}: {problem}"
    )
