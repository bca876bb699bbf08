"""The guide: its site builds without a warning, asks nothing of other hosts, and says what is."""

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from mkdocs.exceptions import Abort

from tests.documents import DOCS, ROOT, tables
from tests.guide_site import build_site

PACKAGES = ("service/laserve", "training/laserve_training", "clients/python/laserve_client")
LOADS = {"script": "src", "img": "src", "iframe": "src", "source": "srcset", "link": "href"}
"""Elements that a browser follows by itself, with the attribute that says where to."""
ELSEWHERE = re.compile(r"(\w+:)?//")
IN_CSS = re.compile(r"(?:url\(|@import)\s*['\"]?(\w*:?//[^'\")]*)")
SUPPORT = ROOT / "docs" / "support.md"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    build_site(folder)
    return folder


class _Loaded(HTMLParser):
    """What a page has a browser load."""

    def __init__(self) -> None:
        super().__init__()
        self.urls: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        url = dict(attrs).get(LOADS.get(tag, ""))
        if url is not None:
            self.urls.append(url)


def test_the_site_has_every_page(site: Path) -> None:
    assert {f"{path.stem}.html" for path in DOCS} <= {path.name for path in site.glob("*.html")}


@pytest.mark.parametrize("link", ["nothing.md", "index.md#nothing", "../nothing.md"])
def test_a_dead_link_ends_the_build(tmp_path: Path, link: str) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "index.md").write_text(f"# Start\n\n[dead]({link})\n")
    with pytest.raises(Abort, match="1 warning"):
        build_site(tmp_path / "site", docs_dir=str(docs), nav=["index.md"], hooks=[])


def test_the_site_asks_nothing_of_another_host(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    seen = []
    for page in pages:
        parser = _Loaded()
        parser.feed(page.read_text())
        seen += parser.urls
    assert len(seen) > 3 * len(pages)
    styles = [url for file in site.rglob("*.css") for url in IN_CSS.findall(file.read_text())]
    assert [url for url in [*seen, *styles] if ELSEWHERE.match(url)] == []


def _messages() -> Iterator[str]:
    """Every text of our code but docstrings, with `…` where it has a value."""
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            nodes = list(ast.walk(ast.parse(file.read_text())))
            docstrings = {node.value for node in nodes if isinstance(node, ast.Expr)}
            for node in nodes:
                if isinstance(node, ast.JoinedStr):
                    yield "".join(
                        str(part.value) if isinstance(part, ast.Constant) else "…"
                        for part in node.values
                    )
                elif isinstance(node, ast.Constant) and node not in docstrings:
                    yield str(node.value)


def test_a_message_that_the_troubleshooting_quotes_is_one_of_the_code() -> None:
    quoted = [
        cells[0].strip("`")
        for table in tables(ROOT / "docs" / "troubleshooting.md")
        if table.head[0] == "message"
        for cells in table.rows
    ]
    assert len(quoted) > 30
    texts = list(_messages())
    assert [quote for quote in quoted if not any(quote in text for text in texts)] == []


def test_what_the_support_matrix_calls_tested_names_its_test() -> None:
    matrix = [row for table in tables(SUPPORT) if table.head[1] == "state" for row in table.rows]
    states = {cells[1] for cells in matrix}
    assert states == {"tested", "expected", "refused"}
    for name, state, why in matrix:
        files = re.findall(r"`(tests/[^`]+)`", why)
        assert all((ROOT / file).exists() for file in files), name
        assert files or state != "tested", name
