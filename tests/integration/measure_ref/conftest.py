"""The tiny model that is measured."""

from collections.abc import Iterator

import pytest
from transformers import AutoModelForCausalLM, PreTrainedModel

from tests.tiny_model import TinyModel, build_tiny_model


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyModel:
    # Answers of a few tokens: sampling them is what takes the time.
    return build_tiny_model(tmp_path_factory.mktemp("models") / "tiny", eos_bias=3.0)


@pytest.fixture
def clean(tiny: TinyModel) -> Iterator[TinyModel]:
    """The tiny model, without a manifest before and after the test."""
    yield tiny
    (tiny.path / "laserve.json").unlink(missing_ok=True)


@pytest.fixture(scope="module")
def model(tiny: TinyModel) -> PreTrainedModel:
    loaded = AutoModelForCausalLM.from_pretrained(tiny.path)
    assert isinstance(loaded, PreTrainedModel)
    return loaded
