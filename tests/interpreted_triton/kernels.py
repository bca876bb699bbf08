"""Our kernel in the process of the tests.

In the processes that `environment` is for, vLLM hands Triton on, and has buffers of its own for the
CPU. In this one it takes Triton for absent, and hands on what does nothing.
"""

from importlib import reload

import pytest
import triton
import triton.language
import vllm.triton_utils
from vllm.v1.worker.cpu.buffer_utils import UvaBuffer
from vllm.v1.worker.gpu import buffer_utils

from laserve.worker import processor_v2, score_kernel


def interpret() -> None:
    """Have `processor_v2` run its kernel on the CPU, by Triton's interpreter."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRITON_INTERPRET", "1")
        load()


def load() -> None:
    """Load `processor_v2` anew, with Triton."""
    setattr(buffer_utils, "UvaBuffer", UvaBuffer)  # noqa: B010 (as vLLM does there)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vllm.triton_utils, "triton", triton)
        patch.setattr(vllm.triton_utils, "tl", triton.language)
        reload(score_kernel)
    reload(processor_v2)
