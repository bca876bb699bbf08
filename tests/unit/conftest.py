"""Settings of the unit tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from hypothesis import settings

from laserve.answers.math_equality import MathEqualityPool

# The first example of a test pays for imports and kernels, and the machine may be busy.
settings.register_profile("laserve", deadline=None)
settings.load_profile("laserve")


@pytest.fixture(autouse=True)
def no_authorities() -> Iterator[None]:
    """Reading whose certificates to trust takes an HTTP client 25 ms, and no test meets TLS."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("SSL_CERT_FILE", raising=False)
        patch.setenv("SSL_CERT_DIR", str(Path(__file__).parent))
        yield


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Tensors as small as the tests' only lose by sharing the work, the more on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def pool() -> Iterator[MathEqualityPool]:
    """One process, with a time limit that is long enough for a busy machine."""
    pool = MathEqualityPool(workers=1, timeout_s=20.0)
    yield pool
    pool.close()
