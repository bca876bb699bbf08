"""A server that wants a key: the page opens, and asks for it."""

from playwright.async_api import Browser, expect

from tests.e2e.page.tab import opened
from tests.e2e.server import Server


async def test_the_page_asks_for_the_key_and_forgets_it_with_the_tab(
    browser: Browser, guarded_server: Server
) -> None:
    async with opened(browser, guarded_server) as tab:
        dialog = tab.page.get_by_role("dialog", name="API key")
        await dialog.get_by_label("Key", exact=True).fill(guarded_server.api_key)
        await dialog.get_by_role("button", name="Use it").click()
        await expect(tab.page.locator(".facts")).to_contain_text("tiny-with-manifest")
        await tab.ask("What is 1 + 7?")
        await tab.answered()
        assert await tab.page.evaluate("localStorage.length + sessionStorage.length") == 0
        assert await tab.page.context.cookies() == []
        await tab.page.reload()
        await expect(dialog).to_be_visible()
        await dialog.get_by_role("button", name="Cancel").click()
        await expect(tab.page.get_by_role("alert")).to_contain_text("no valid API key")
