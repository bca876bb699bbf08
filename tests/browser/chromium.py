"""The Chromium that `make test` unpacks, driven by Playwright."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, async_playwright

HERE = Path(__file__).parent
CHROMIUM = HERE / "chromium"
NODE_MODULES = HERE / "node_modules"
FLAGS = (
    "--no-sandbox",  # it asks for user namespaces, which root and many containers have not
    "--disable-gpu",
    "--disable-background-networking",
)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A headless Chromium. Raises FileNotFoundError where it is not unpacked."""
    program = CHROMIUM / "chromium"
    if not program.exists():
        raise FileNotFoundError(f"{program} is missing: `make test` installs and unpacks it")
    environment: dict[str, str | float | bool] = {
        **os.environ,
        "LD_LIBRARY_PATH": str(CHROMIUM / "al2023" / "lib"),
        "FONTCONFIG_FILE": str(HERE / "fonts.conf"),
    }
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program, args=FLAGS, env=environment
        )
        try:
            yield browser
        finally:
            await browser.close()
