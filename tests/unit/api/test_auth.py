"""With an API key, only the health check and the page's files are answered without it: checked on
every route there is."""

import re
from collections.abc import Iterator

import pytest
from fastapi import FastAPI, WebSocket
from fastapi.testclient import TestClient
from starlette.routing import Mount, Route
from starlette.testclient import WebSocketDenialResponse

from laserve.api.middleware.auth import PAGE, PAGE_FILES, api_keys
from tests.unit.api.serving import CHAT, Server, build_app

pytestmark = pytest.mark.asyncio

KEY = "sk-right"
SCORED = {"model": "tiny", "messages": [{"role": "user", "content": "1 + 1?"}]}


def guarded(*flags: str) -> Server:
    return Server(build_app(*flags))


def operations(app: FastAPI) -> Iterator[tuple[str, str]]:
    """A (method, path) of every route, with something in the place of path parameters."""
    for route in app.routes:
        assert isinstance(route, Route | Mount), f"a kind of route that is not tested: {route!r}"
        path = re.sub(r"{\w+}", "some", route.path)
        methods = (getattr(route, "methods", None) or {"GET", "POST"}) | {"OPTIONS"}
        for method in sorted(methods):
            yield method, path


async def test_no_route_but_health_and_the_page_answers_without_a_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VLLM_SERVER_DEV_MODE", "1")
    server = guarded("--api-key", KEY)
    found = set(operations(server.app))
    assert {
        ("POST", "/v1/chat/completions"),
        ("POST", "/generative_scoring"),
        ("POST", "/invocations"),
        ("POST", "/collective_rpc"),
        ("GET", "/openapi.json"),
        ("GET", "/metrics"),
        ("GET", "/ping"),
    } <= found
    async with server.client() as client:
        for method, path in found:
            answer = await client.request(method, path)
            if path == "/health":
                assert answer.status_code == (200 if method == "GET" else 405)
                assert (await client.head(path)).status_code == 200
                continue
            if path in (PAGE, PAGE_FILES):
                assert answer.status_code in (200, 307, 404, 405)
                continue
            assert answer.status_code == 401, (method, path)
            assert answer.headers["www-authenticate"] == "Bearer"
            if method != "HEAD":
                error = answer.json()["error"]
                anthropics = path.startswith("/v1/messages")
                kind = "authentication_error" if anthropics else "AuthenticationError"
                assert (error["type"], error.get("code", 401)) == (kind, 401)
                assert "Authorization: Bearer" in error["message"]


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/health/",
        "/health/../metrics",
        "//health",
        "/healthy",
        "/metrics/health",
        "/pages",
    ],
)
async def test_a_path_like_the_health_checks_is_guarded(path: str) -> None:
    client = TestClient(guarded("--api-key", KEY).app)  # sends the path as it is
    assert client.get(f"http://testserver{path}").status_code == 401


async def test_health_answers_behind_a_root_path() -> None:
    server = guarded("--api-key", KEY, "--root-path", "/proxy")
    async with server.client() as client:
        assert (await client.get("/proxy/health")).status_code == 200
        assert (await client.get("/proxy/metrics")).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": f"Bearer {KEY}"},
        {"authorization": f"bearer {KEY}"},
        {"x-api-key": KEY},
        {"x-api-key": KEY, "authorization": "Basic abc"},
        {"authorization": "Bearer sk-second"},
    ],
)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/invocations"])
async def test_the_key_opens_the_routes(headers: dict[str, str], path: str) -> None:
    server = guarded("--api-key", KEY, "sk-second")
    answer = await server.post(path, SCORED, **headers)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": KEY},
        {"authorization": f"Basic {KEY}"},
        {"authorization": "Bearer"},
        {"authorization": "Bearer "},
        {"authorization": f"Bearer {KEY}x"},
        {"authorization": "Bearer sk-wrong", "x-api-key": KEY},
        {"x-api-key": ""},
        {"x-api-key": "sk-wröng"},
    ],
)
async def test_a_missing_or_wrong_key_is_refused(headers: dict[str, str]) -> None:
    server = guarded("--api-key", KEY)
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    async with server.client() as client:
        answer = await client.post("/v1/chat/completions", json=SCORED, headers=encoded)
    assert answer.status_code == 401
    assert server.engine.armed == []


async def test_a_browsers_preflight_needs_no_key() -> None:
    server = guarded("--api-key", KEY, "--allowed-origins", '["*"]')
    headers = {"origin": "http://page", "access-control-request-method": "POST"}
    async with server.client() as client:
        answer = await client.options("/v1/chat/completions", headers=headers)
        assert answer.status_code == 200
        assert "access-control-allow-methods" in answer.headers
        answer = await client.options("/metrics", headers=headers)  # no route is reached
        assert "python_info" not in answer.text


@pytest.mark.parametrize(
    ("origins", "allowed"), [('["*"]', "*"), ('["http://page"]', "http://page"), ("[]", None)]
)
async def test_a_browser_may_read_a_refusal_where_it_may_read_an_answer(
    origins: str, allowed: str | None
) -> None:
    server = guarded("--api-key", KEY, "--allowed-origins", origins)
    for headers, status in (({}, 401), ({"x-api-key": KEY}, 200)):
        answer = await server.post(CHAT, SCORED, origin="http://page", **headers)
        assert answer.status_code == status
        assert answer.headers.get("access-control-allow-origin") == allowed
        assert answer.headers.get_list("vary", split_commas=True).count("Origin") == 1


async def test_a_websocket_needs_the_key() -> None:
    server = guarded("--api-key", KEY)

    @server.app.websocket("/v1/socket")
    async def socket(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.close()

    client = TestClient(server.app)
    with pytest.raises(WebSocketDenialResponse) as refusal, client.websocket_connect("/v1/socket"):
        pass
    assert refusal.value.status_code == 401
    with client.websocket_connect("/v1/socket", headers={"x-api-key": KEY}):
        pass


async def test_without_a_key_nothing_is_guarded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VLLM_API_KEY", raising=False)
    server = guarded()
    async with server.client() as client:
        assert (await client.get("/version")).status_code == 200


async def test_the_key_comes_from_the_flag_before_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VLLM_API_KEY", "sk-environment")
    assert api_keys(build_app().state.args) == ["sk-environment"]
    assert api_keys(build_app("--api-key", KEY).state.args) == [KEY]
    answer = await guarded().post("/tokenize", {}, authorization="Bearer sk-environment")
    assert answer.status_code != 401
