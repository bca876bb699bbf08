"""The best of several: samples as they come, votes, the end, and every method beside the others."""

import json
from collections import defaultdict
from typing import Any

from playwright.async_api import Browser, expect

from tests.e2e.page.tab import Tab, opened
from tests.e2e.server import Server

QUESTION = "2,6,6>2"


async def choose(tab: Tab, **options: str) -> None:
    await expect(tab.page.locator(".facts")).to_be_visible()
    await tab.page.get_by_role("radio", name="Best of several").check()
    for name, value in options.items():
        await tab.page.locator(f"select[name={name}]").select_option(value)


async def selection_of(tab: Tab) -> dict[str, Any]:
    """What the server said of the selection at its end."""
    text = await tab.streamed()
    events = [part.removeprefix("data: ") for part in text.split("\n\n") if part]
    found = [chunk for chunk in map(json.loads, events[:-1]) if "selection" in chunk]
    selection: dict[str, Any] = found[0]["selection"]
    return selection


async def test_samples_are_shown_as_they_come_and_the_end_is_explained(
    browser: Browser, demo: Server
) -> None:
    async with opened(browser, demo) as tab:
        await choose(tab, n_max="16", n_parallel="1", stop="0.9")
        await tab.page.evaluate(
            """() => {
                const status = document.getElementById("status");
                window.said = [];
                new MutationObserver(() => said.push(status.textContent)).observe(
                    status, { childList: true });
            }"""
        )
        await tab.ask(QUESTION)
        await expect(tab.page.locator(".methods")).to_be_visible()
        selection = await selection_of(tab)
        used = selection["samples_used"]
        said = await tab.page.evaluate("said")
        told = [f"{ended + 1} of at most 16 samples" for ended in range(used)]
        assert [text for text in said if text in told] == told
        assert said[-1].startswith("Stopped after")
        assert await tab.page.locator(".candidate").count() == used
        assert await tab.page.locator(".candidate.chosen .text").inner_text() == selection["answer"]
        assert await tab.page.locator(".votes li").count() == min(len(selection["votes"]), 7)
        stopped = await tab.page.locator(".stopped").inner_text()
        assert stopped.startswith(f"Stopped after {used} of 16.")
        if selection["stop_cause"] == "min_confidence":
            assert "as probably right as was asked for" in stopped
            spent = await tab.page.locator(".answer .fine").inner_text()
            assert spent.startswith(f"{selection['completion_tokens']} tokens spent, some ")
        assert tab.complaints == []


async def test_every_method_has_the_answer_that_a_count_by_hand_gives_it(
    browser: Browser, demo: Server
) -> None:
    async with opened(browser, demo) as tab:
        await choose(tab, n_max="16", n_parallel="8", stop="never")
        await tab.ask(QUESTION)
        await expect(tab.page.locator(".methods")).to_be_visible()
        candidates = (await selection_of(tab))["candidates"]
        assert len(candidates) == 16
        scores = defaultdict[str, list[float]](list)
        for candidate in candidates:
            scores[candidate["answer"]].append(candidate["self_reward"]["score"])
        weights: dict[str, dict[str, float]] = {
            "Majority": {answer: len(of) for answer, of in scores.items()},
            "Weighted majority": {
                answer: sum(min(max(score, 0), 1) for score in of) for answer, of in scores.items()
            },
            "Best of N": {answer: max(of) for answer, of in scores.items()},
        }
        for name, weight in weights.items():
            heading = tab.page.get_by_role("heading", name=name, level=3)
            column = tab.page.locator(".method").filter(has=heading).first
            answer = await column.locator(".text").inner_text()
            assert weight[answer] == max(weight.values()), name
        assert tab.complaints == []
