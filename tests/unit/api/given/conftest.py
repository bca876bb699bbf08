"""The server whose engine scores by length."""

import pytest
from fastapi import FastAPI
from vllm.tokenizers import TokenizerLike, get_tokenizer

from tests.tiny_model import build_tiny_model
from tests.unit.api.given.stand_ins import EOS, OTHER_EOS, Z_C, Server
from tests.unit.api.serving import build_app


@pytest.fixture(scope="package")
def app() -> FastAPI:
    return build_app()


@pytest.fixture(scope="package")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> TokenizerLike:
    """One token for each byte, and the special ones."""
    model = build_tiny_model(tmp_path_factory.mktemp("tiny"))
    assert (model.primary_eos, model.secondary_eos, model.z_c) == (EOS, OTHER_EOS, Z_C)
    return get_tokenizer(str(model.path))


@pytest.fixture
def server(app: FastAPI, tokenizer: TokenizerLike) -> Server:
    return Server(app, tokenizer)
