"""What a selection costs: its budgets, its prefill, and what is left when its client leaves."""

import asyncio

import pytest

from tests.e2e.selecting import CHAT, body, post
from tests.e2e.server import Server


def test_a_token_budget_is_kept(server: Server) -> None:
    asked = {
        **body(server, selection={"n_max": 64, "n_parallel": 8, "max_total_tokens": 300}),
        "max_tokens": 200,
        "ignore_eos": False,
        "min_tokens": 100,
    }
    selection = server.http.post(CHAT, json=asked).json()["selection"]
    assert selection["stop_cause"] == "max_total_tokens"
    # Each of the 8 in flight may be a few steps further by the time it is cancelled.
    assert 300 <= selection["completion_tokens"] < 300 + 8 * 40


def test_a_time_budget_answers_with_what_there_is(server: Server) -> None:
    asked = {
        **body(server, selection={"n_max": 4, "timeout_s": 0.3, "method": "majority"}),
        "max_tokens": 480,
        "min_tokens": 470,
    }
    found = server.http.post(CHAT, json=asked).json()
    assert found["selection"]["stop_cause"] == "timeout"
    assert found["selection"]["unvoted"]["cancelled"] == 4
    assert found["choices"][0]["finish_reason"] == "length"
    _await_idle(server)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_leaves_takes_all_samples_with_it(server: Server, stream: bool) -> None:
    asked = {
        **body(server, selection={"n_max": 16, "n_parallel": 16, "method": "majority"}),
        "max_tokens": 490,
        "min_tokens": 480,
    }
    aborted = _aborted(server)
    async with server.async_client() as client:
        request = client.post("/chat/completions", body={**asked, "stream": stream}, cast_to=object)
        task = asyncio.ensure_future(request)
        await asyncio.to_thread(_await_running, server, 16)
        assert server.metric("vllm:kv_cache_usage_perc") > 0
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await asyncio.to_thread(_await_idle, server)
    assert _aborted(server) - aborted == 16


def _aborted(server: Server) -> float:
    return server.metric("laserve_generations_total", status="aborted")


def _await_running(server: Server, count: int) -> None:
    server.wait_until(lambda: server.metric("vllm:num_requests_running") >= count)


def _await_idle(server: Server) -> None:
    """Until no sample runs and the KV cache is empty."""
    server.wait_until(
        lambda: (
            server.metric("vllm:num_requests_running") == 0
            and server.metric("vllm:num_requests_waiting") == 0
            and server.metric("vllm:kv_cache_usage_perc") == 0
        )
    )


def test_samples_share_the_prefill_of_their_prompt(server: Server) -> None:
    before = server.metric("vllm:prefix_cache_hits_total")
    prompt = [7 + index % 50 for index in range(300)]
    asked = {"model": server.model, "prompt": prompt, "max_tokens": 4, "seed": 0}
    options = {"n_max": 8, "method": "majority", "adaptive": False}
    server.http.post("/v1/completions", json={**asked, "selection": options}).raise_for_status()
    # All but the first sample of what fills whole blocks, which have 128 tokens at most.
    assert server.metric("vllm:prefix_cache_hits_total") - before >= 7 * 256


def test_selections_are_counted(demo: Server) -> None:
    labels = {"method": "majority", "stop_cause": "n_max", "result": "selected"}
    before = demo.metric("laserve_selections_total", **labels)
    post(demo, selection={"method": "majority", "n_max": 2, "adaptive": False})
    assert demo.metric("laserve_selections_total", **labels) == before + 1
    assert demo.metric("laserve_selection_samples_count") > 0
