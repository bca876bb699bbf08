"""Applications without an engine: LaServe's, and vLLM's as it is."""

import pytest
from fastapi import FastAPI

from tests.unit.api.serving import Server, build_app


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return build_app()


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
