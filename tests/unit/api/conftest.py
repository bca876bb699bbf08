"""Applications without an engine: LaServe's, and vLLM's as it is."""

import pytest
from fastapi import FastAPI

from tests.unit.api.serving import Server, build_app


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return build_app()


@pytest.fixture(scope="session")
def whole_app() -> FastAPI:
    """With every route that vLLM can mount. Once: a router of vLLM's gets the routes for adapters
    again each time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VLLM_SERVER_DEV_MODE", "1")
        patch.setenv("VLLM_ALLOW_RUNTIME_LORA_UPDATING", "1")
        return build_app("--enable-lora", "--enable-scale-out")


@pytest.fixture
def server(app: FastAPI) -> Server:
    return Server(app)


@pytest.fixture(scope="module")
def plain_app() -> FastAPI:
    return build_app(plugins=())


@pytest.fixture
def plain(plain_app: FastAPI) -> Server:
    """vLLM without LaServe."""
    return Server(plain_app)
