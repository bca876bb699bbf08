"""What clients and load balancers look at before they ask: one model, and HEAD."""

import httpx
import openai
import pytest

from tests.unit.api.serving import Server

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize("model", ["tiny", "org/adapter"])
async def test_a_model_is_what_the_list_has_of_it(server: Server, model: str) -> None:
    async with server.client() as client:
        listed = (await client.get("/v1/models")).json()["data"]
        # A slash comes as it is, or encoded, as by the official client.
        for name in (model, model.replace("/", "%2F")):
            answer = await client.get(f"/v1/models/{name}")
            assert answer.status_code == 200
            found = answer.json()
            assert {**found, "permission": []} in [{**card, "permission": []} for card in listed]
            assert (found["id"], found["object"]) == (model, "model")


async def test_a_model_that_is_not_served_is_not_found(server: Server) -> None:
    async with server.client() as client:
        answer = await client.get("/v1/models/other")
        assert answer.status_code == 404
        assert answer.json()["error"] == {
            "message": "The model `other` does not exist.",
            "type": "NotFoundError",
            "param": "model",
            "code": 404,
        }
        assert (await client.get("/v1/models/")).json()["object"] == "list"


async def test_the_official_client_retrieves_a_model(server: Server) -> None:
    transport = httpx.ASGITransport(server.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://laserve/v1") as http:
        answer = await http.get(openai_path("org/adapter"))
    assert openai.types.Model.model_validate(answer.json()).id == "org/adapter"


def openai_path(model: str) -> str:
    """The path that the official client asks for a model at."""
    seen: list[str] = []
    client = openai.OpenAI(base_url="http://laserve/v1", api_key="none")
    client.models._get = lambda path, **_: seen.append(path)  # type: ignore[assignment]
    client.models.retrieve(model)
    return seen[0]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        *((path, 200) for path in ("/health", "/ping", "/version", "/metrics", "/openapi.json")),
        *((path, 200) for path in ("/v1/models", "/v1/models/tiny", "/docs")),
        *(("/v1/models/other", 404), ("/nothing", 404), ("/v1/chat/completions", 405)),
    ],
)
async def test_head_is_get_without_a_body(server: Server, path: str, status: int) -> None:
    async with server.client() as client:
        head, get = await client.head(path), await client.get(path)
    assert head.status_code == get.status_code == status
    assert head.content == b""
    assert head.headers.keys() == get.headers.keys()
    assert head.headers.get("content-type") == get.headers.get("content-type")
