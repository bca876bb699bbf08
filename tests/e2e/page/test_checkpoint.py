"""The checkpoint that answers, and another one in its place."""

from playwright.async_api import Browser, expect

from tests.e2e.hot_loading import HotServer
from tests.e2e.page.tab import opened


async def test_a_checkpoint_is_shown_loaded_refused_and_rolled_back(
    browser: Browser, at_a: HotServer
) -> None:
    server = at_a.server
    async with opened(browser, server) as tab:
        facts, loads = tab.page.locator(".facts"), tab.page.locator("#loads")
        told = server.http.get("/v1/checkpoints/active").json()
        for value in (told["checkpoint"], str(told["version"]), told["weights"]):
            await expect(facts).to_contain_text(value)
        await loads.get_by_label("Folder on the server").fill("b")
        await loads.get_by_role("button", name="Load").click()
        await expect(loads.get_by_role("status")).to_have_text("tiny-b answers now.")
        await expect(facts).to_contain_text("tiny-b")
        await expect(loads.get_by_role("listitem").first).to_contain_text("✓ active")
        await loads.get_by_role("button", name="Roll back").click()
        await expect(loads.get_by_role("status")).to_have_text("tiny-a answers now.")
        await expect(facts).to_contain_text("tiny-a")
        assert tab.complaints == []
        await loads.get_by_label("Folder on the server").fill("nowhere")
        await loads.get_by_role("button", name="Load").click()
        await expect(loads.get_by_role("status")).to_contain_text("Not done: ")
    assert at_a.active == "tiny-a"
