"""The page at `/`: open to all, strict about what it may load, and nothing but its own files."""

import re

import pytest
from fastapi.testclient import TestClient

from laserve.api.page import FOLDER
from tests.unit.api.serving import build_app

pytestmark = pytest.mark.asyncio

KEY = ("--api-key", "sk-right")


async def test_the_page_and_each_file_that_it_names_are_there_without_a_key() -> None:
    client = TestClient(build_app(*KEY))
    page = client.get("/")
    assert page.status_code == 200
    files = re.findall(r'(?:href|src)="(page/[^"]+)"', page.text)
    assert "page/js/main.js" in files
    for file in files:
        answer = client.get(f"/{file}")
        assert answer.status_code == 200, file
        assert answer.headers["content-security-policy"] == page.headers["content-security-policy"]
    assert client.head("/").status_code == 200
    assert client.post("/").status_code == 405


async def test_it_may_load_from_its_own_server_only_and_run_nothing_inside_the_document() -> None:
    policy = TestClient(build_app()).get("/").headers["content-security-policy"]
    directives = dict(one.split(" ", 1) for one in policy.split("; "))
    assert directives["default-src"] == "'none'"
    assert {value for name, value in directives.items() if name.endswith("-src")} == {
        "'none'",
        "'self'",
    }
    assert "unsafe" not in policy
    assert directives["frame-ancestors"] == "'none'"


@pytest.mark.parametrize(
    "path",
    ["/page/../api/page.py", "/page/%2e%2e/api/page.py", "/page//etc/passwd", "/page/js", "/page/"],
)
async def test_nothing_else_is_given_out(path: str) -> None:
    assert TestClient(build_app(*KEY)).get(path).status_code in (401, 404)


async def test_the_modules_name_no_other_host() -> None:
    for file in [FOLDER / "index.html", *FOLDER.glob("js/*.js"), *FOLDER.glob("css/*.css")]:
        found = re.findall(r"https?://[^\"' ]+", file.read_text())
        assert set(found) <= {"http://www.w3.org/2000/svg"}, file
