"""A tab of a real browser, that says what went wrong in it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

from playwright.async_api import Browser, ConsoleMessage, Page, Response, expect

from tests.e2e.server import Server

LIMIT_MS = 120_000
"""A busy machine with two cores may need a minute; nothing waits that long where it works."""
expect.set_options(timeout=LIMIT_MS)
KEEP_STREAMS = """
    const plain = window.fetch;
    window.streams = [];
    window.fetch = async (...request) => {
        const response = await plain(...request);
        if (response.headers.get("content-type")?.startsWith("text/event-stream"))
            streams.push(response.clone().text());
        return response;
    };
"""
"""The browser itself may drop the body of a stream before it is asked for."""


@dataclass
class Tab:
    """The page of a server."""

    page: Page
    responses: list[Response] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    """What the console shows of errors and warnings, and errors that nobody caught."""

    async def ask(self, question: str) -> None:
        """Type it, and send it."""
        await self.page.get_by_label("Question", exact=True).fill(question)
        await self.page.get_by_role("button", name="Ask").click()

    async def streamed(self) -> str:
        """What the last stream sent, once it is whole."""
        text: str = await self.page.evaluate("streams.at(-1)")
        return text

    async def answered(self) -> str:
        """The answer, once it is whole."""
        await expect(self.page.locator(".answer[aria-busy=false]")).to_be_visible()
        return await self.page.locator(".answer .text").inner_text()


@asynccontextmanager
async def opened(
    browser: Browser,
    server: Server,
    *,
    scheme: Literal["light", "dark"] = "light",
    width: int = 1200,
) -> AsyncIterator[Tab]:
    """The page, whose requests all went to the server that it came from."""
    context = await browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": 900}
    )
    context.set_default_timeout(LIMIT_MS)
    page = await context.new_page()
    await page.add_init_script(KEEP_STREAMS)
    tab = Tab(page)
    asked: list[str] = []

    def hear(said: ConsoleMessage) -> None:
        if said.type in ("error", "warning"):
            tab.complaints.append(said.text)

    def took(response: Response) -> None:
        tab.responses.append(response)

    page.on("request", lambda request: asked.append(request.url))
    page.on("response", took)
    page.on("pageerror", lambda error: tab.complaints.append(str(error)))
    page.on("console", hear)
    try:
        await page.goto(f"{server.base_url}/")
        yield tab
        assert [url for url in asked if not url.startswith(f"{server.base_url}/")] == []
    finally:
        await context.close()
