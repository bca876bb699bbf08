"""A Triton backend without a compiler, so that Model Runner V2 runs where there is no GPU.

Triton's own interpreter (`TRITON_INTERPRET=1`) runs vLLM's kernels on CPU tensors, but vLLM takes
Triton for absent unless a backend named `cpu` is registered. This is that backend, registered by
an entry point that the tests write. It is never asked to compile anything.
"""

import os
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[2]


def environment(folder: Path) -> Mapping[str, str]:
    """Environment variables with which vLLM's processes run Model Runner V2 on the CPU.

    ``folder``: an empty one, for the entry point.
    """
    metadata = folder / "interpreted_triton-0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: interpreted-triton\nVersion: 0\n"
    )
    (metadata / "entry_points.txt").write_text(f"[triton.backends]\ncpu = {__name__}\n")
    path = [str(folder), str(ROOT), os.environ.get("PYTHONPATH", "")]
    return {
        "PYTHONPATH": os.pathsep.join(filter(None, path)),
        "TRITON_INTERPRET": "1",
        "TRITON_DEFAULT_BACKEND": "cpu",
        "VLLM_USE_V2_MODEL_RUNNER": "1",
    }
