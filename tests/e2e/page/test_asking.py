"""A question, its answer as it is written, and what the model says of it."""

import re

from playwright.async_api import Browser, expect

from tests.e2e.page.tab import opened
from tests.e2e.server import Server


async def test_an_answer_comes_with_the_score_and_confidence_that_the_api_gives_it(
    browser: Browser, demo: Server
) -> None:
    async with opened(browser, demo) as tab:
        await tab.page.get_by_role("button", name="2,6,6>2").click()
        await tab.page.keyboard.press("Enter")
        answer = await tab.answered()
        assert re.fullmatch(r"[\d+\-=;#]+", answer)
        given = {"messages": [{"role": "user", "content": "2,6,6>2"}], "completion": answer}
        (reward,) = demo.http.post("/v1/self_reward", json=given).json()["data"]
        shown = await tab.page.locator(".answer .score").inner_text()
        score = float(shown.removeprefix("score ").replace("−", "-"))
        # Two digits are shown, of a score that is exact to 0.0001.
        assert abs(score - reward["self_reward"]["score"]) < 0.0052
        meter = tab.page.get_by_role("meter", name="Confidence")
        assert (
            abs(
                float(await meter.get_attribute("aria-valuenow") or "nan")
                - reward["self_reward"]["confidence"]
            )
            < 0.0052
        )
        await expect(tab.page.get_by_role("status").first).to_contain_text("likely to be right")
        assert tab.complaints == []


async def test_what_the_server_refuses_is_told_in_its_own_words(
    browser: Browser, demo: Server
) -> None:
    async with opened(browser, demo) as tab:
        await tab.ask("1," * 600)
        await expect(tab.page.get_by_role("alert")).to_contain_text("context length")
        await expect(tab.page.get_by_role("button", name="Ask")).to_be_visible()


async def test_formulas_are_set_from_files_of_the_server_alone(
    browser: Browser, demo: Server
) -> None:
    async with opened(browser, demo) as tab:
        await tab.page.evaluate(
            r"""async () => {
                const { typeset } = await import("/page/js/maths.js");
                const place = document.getElementById("answer");
                place.textContent = "so \\(\\frac{1}{2}+\\sqrt{2}\\), \\boxed{42}? No: \\boxed{43}";
                await typeset(place);
            }"""
        )
        assert await tab.page.locator("#answer .katex").count() == 1
        assert await tab.page.locator("#answer math mfrac").count() == 1
        assert tab.complaints == []
