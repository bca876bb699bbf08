"""What the processors in the worker must know, and how it gets there.

The constants of the engine travel in vLLM's `additional_config`, what a single request asks for
in its `SamplingParams.extra_args`; both are vLLM's own channels from the server to the worker.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any

from vllm.config import VllmConfig
from vllm.sampling_params import SamplingParams

from laserve.errors import ConfigurationError

KEY = "laserve"
"""Our key in `additional_config` and in `extra_args`."""

RELOAD_EXTENSION = "laserve.worker.reload.ReloadExtension"
PROCESSOR_V1 = "laserve.worker.processor_v1:ScoreLogitsProcessor"
PROCESSOR_V2 = "laserve.worker.processor_v2:ScoreLogitsProcessor"


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """The tokens that in-flight scoring looks for."""

    z_c: int
    eos_token_ids: frozenset[int]

    def to_additional_config(self) -> dict[str, Any]:
        """As JSON values under our key, to be merged into the user's `--additional-config`."""
        return {KEY: {"z_c": self.z_c, "eos_token_ids": sorted(self.eos_token_ids)}}

    @classmethod
    def of(cls, vllm_config: VllmConfig) -> "WorkerConfig":
        """Read it back in the worker. Raises ConfigurationError where it is missing."""
        additional = vllm_config.additional_config
        if not isinstance(additional, Mapping) or KEY not in additional:
            raise ConfigurationError(
                f"vLLM's additional_config has no {KEY!r} entry: start the engine with "
                "`laserve serve`, which writes it"
            )
        entry = additional[KEY]
        return cls(z_c=entry["z_c"], eos_token_ids=frozenset(entry["eos_token_ids"]))


def processor_path(vllm_config: VllmConfig) -> str:
    """Our logits processor for the engine's model runner, as `--logits-processors` takes it."""
    return PROCESSOR_V2 if vllm_config.use_v2_model_runner else PROCESSOR_V1


def has_extension(vllm_config: VllmConfig) -> bool:
    """Whether the engine's workers have the methods of `laserve.worker.reload`."""
    name = vllm_config.parallel_config.worker_extension_cls
    return bool(name) and issubclass(resolve_name(name), resolve_name(RELOAD_EXTENSION))


def armed_extra_args(params: SamplingParams) -> dict[str, Any]:
    """`extra_args` of a request to be scored in flight."""
    return {**(params.extra_args or {}), KEY: True}


def is_armed(params: SamplingParams) -> bool:
    """Whether the request is to be scored in flight."""
    return (params.extra_args or {}).get(KEY) is True
