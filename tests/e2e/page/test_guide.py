"""The guide in a browser: what its scripts fetch, too, comes with it."""

from pathlib import Path
from urllib.parse import urlsplit

from playwright.async_api import Browser, ConsoleMessage, Route, expect

from tests.documents import DOCS
from tests.guide_site import build_site

GUIDE = "http://localhost/"
"""Nobody listens there: its files are read from the disk."""


async def test_no_page_asks_another_host_or_complains(browser: Browser, tmp_path: Path) -> None:
    build_site(tmp_path)
    context = await browser.new_context()
    asked: list[str] = []
    complaints: list[str] = []

    async def serve(route: Route) -> None:
        await route.fulfill(path=tmp_path / urlsplit(route.request.url).path.lstrip("/"))

    def hear(said: ConsoleMessage) -> None:
        if said.type in ("error", "warning"):
            complaints.append(said.text)

    await context.route(f"{GUIDE}**", serve)
    page = await context.new_page()
    context.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", hear)
    for document in DOCS:
        await page.goto(f"{GUIDE}{document.stem}.html", wait_until="networkidle")
    await page.goto(f"{GUIDE}reference.html")
    await expect(page.frame_locator("iframe").get_by_text("/v1/self_reward")).to_be_visible()
    await page.get_by_role("textbox", name="Search").fill("abstain")
    await expect(page.locator(".md-search-result__item").first).to_be_visible()
    await context.close()
    assert len(asked) > len(DOCS)
    assert [url for url in asked if not url.startswith((GUIDE, "data:"))] == []
    assert complaints == []
