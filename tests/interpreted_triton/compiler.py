"""The compiler half of the backend: kernels are interpreted, so it is never asked for one."""

from types import ModuleType
from typing import Any

from triton.backends.compiler import (
    BaseBackend,
    GPUTarget,
    Language,
)


class InterpretedBackend(BaseBackend):
    """Has a name."""

    @staticmethod
    def supports_target(target: GPUTarget) -> bool:
        return bool(target.backend == "cpu")

    def hash(self) -> str:
        return "interpreted"

    def parse_options(self, options: dict[str, Any]) -> object:
        raise NotImplementedError

    def add_stages(self, stages: dict[str, Any], options: object, language: Language) -> None:
        raise NotImplementedError

    def load_dialects(self, context: object) -> None:
        raise NotImplementedError

    def get_module_map(self) -> dict[str, ModuleType]:
        return {}
