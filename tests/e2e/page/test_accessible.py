"""For everybody: by the rules of axe-core, by keyboard, on a phone, over a slow line."""

from typing import Literal

import pytest
from playwright.async_api import Browser, expect

from tests.browser.chromium import NODE_MODULES
from tests.e2e.page.tab import Tab, opened
from tests.e2e.server import Server

AXE = (NODE_MODULES / "axe-core" / "axe.min.js").read_text()
FIRST_RENDER_BYTES = 200_000


async def violations(tab: Tab) -> list[str]:
    found = await tab.page.evaluate(f"{AXE}; axe.run()")
    return [f"{one['id']}: {one['nodes'][0]['html']}" for one in found["violations"]]


@pytest.mark.parametrize(("scheme", "width"), [("light", 1200), ("dark", 1200), ("light", 390)])
async def test_axe_finds_nothing_before_and_after_an_answer(
    browser: Browser, demo: Server, scheme: Literal["light", "dark"], width: int
) -> None:
    async with opened(browser, demo, scheme=scheme, width=width) as tab:
        await expect(tab.page.locator(".facts")).to_be_visible()
        assert await violations(tab) == []
        await tab.page.get_by_role("radio", name="Best of several").check()
        await tab.ask("2,6,6>2")
        await expect(tab.page.locator(".methods")).to_be_visible()
        assert await violations(tab) == []
        excess = await tab.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert excess <= 0
        assert tab.complaints == []


async def test_the_first_render_is_small_and_the_keyboard_is_enough(
    browser: Browser, demo: Server
) -> None:
    async with opened(browser, demo) as tab:
        await expect(tab.page.locator(".facts")).to_be_visible()
        await tab.page.wait_for_load_state("networkidle")
        sizes = [await response.request.sizes() for response in tab.responses]
        taken = sum(size["responseBodySize"] + size["responseHeadersSize"] for size in sizes)
        assert 0 < taken < FIRST_RENDER_BYTES
        await tab.page.keyboard.press("Tab")
        await tab.page.keyboard.press("Enter")  # the link that skips to the question
        await expect(tab.page.get_by_label("Question", exact=True)).to_be_focused()
        await tab.page.keyboard.type("2,6,6>2")
        await tab.page.keyboard.press("Enter")
        assert await tab.answered()
        assert tab.complaints == []
