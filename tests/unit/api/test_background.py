"""How a response in the background ends, on vLLM's own serving object."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from vllm import SamplingParams
from vllm.entrypoints.openai.responses.protocol import ResponsesRequest, ResponsesResponse
from vllm.entrypoints.openai.responses.serving import OpenAIServingResponses
from vllm.exceptions import VLLMValidationError

from laserve.api.generating.background import end_streams, tell_end
from laserve.serving.readiness import Cause, Withdrawn

DIED = Withdrawn.because(Cause.DIED)


class Serving(OpenAIServingResponses):
    """vLLM's, of a server that is not started, whose generations raise."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
        self.background_tasks = {}
        self.response_store = {}
        self.response_store_lock = asyncio.Lock()
        self.event_store = {}
        end_streams(self)

    async def responses_full_generator(self, *_: Any, **__: Any) -> Any:
        raise self.error

    async def responses_stream_generator(self, *_: Any, **__: Any) -> AsyncGenerator[Any, None]:
        for event in list[Any]():
            yield event
        raise self.error

    async def begin(self, **fields: Any) -> str:
        """Begin one as `create_responses` does; its id."""
        request = ResponsesRequest(input="x", background=True, **fields)
        name = request.request_id
        params = SamplingParams(max_tokens=8)
        self.response_store[name] = ResponsesResponse.from_request(
            request, params, "tiny", 1, output=[], status="queued"
        )
        run = (
            self._run_background_request_stream if request.stream else self._run_background_request
        )
        task = self.background_tasks[name] = asyncio.create_task(run(request))
        task.add_done_callback(lambda _: self.background_tasks.pop(name))
        tell_end(self, name)
        return name

    async def fail(self, **fields: Any) -> str:
        """Begin one and let it fail; its id."""
        name = await self.begin(**fields)
        await asyncio.wait([self.background_tasks[name]])
        return name

    async def events(self, name: str, starting_after: int | None = None) -> list[dict[str, Any]]:
        """What a stream of `GET /v1/responses/{response_id}` sends, all of it."""
        async with asyncio.timeout(10):
            stream: Any = await self.retrieve_responses(name, starting_after, stream=True)
            return [event.model_dump() async for event in stream]

    async def polled(self, name: str) -> dict[str, Any]:
        """What `GET /v1/responses/{response_id}` answers."""
        response = await self.retrieve_responses(name, None, stream=False)
        assert isinstance(response, ResponsesResponse)
        return response.model_dump(mode="json")


class Hanging(Serving):
    """One whose generations write nothing and do not end."""

    def __init__(self) -> None:
        super().__init__(AssertionError("it does not end by itself"))

    async def responses_stream_generator(self, *_: Any, **__: Any) -> AsyncGenerator[Any, None]:
        await asyncio.Event().wait()
        yield


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (DIED, "server_error", Cause.DIED),
        (VLLMValidationError("top_p is 2", parameter="top_p"), "invalid_prompt", "top_p is 2"),
        (OSError("of ours"), "server_error", "an internal error: the server's log has it"),
    ],
)
async def test_who_polls_is_told_of_the_failure_and_why(
    error: BaseException, code: str, message: str
) -> None:
    serving = Serving(error)
    response = await serving.polled(await serving.fail())
    assert response["status"] == "failed"
    assert response["error"] == {"code": code, "message": message}


async def test_a_stream_ends_with_the_error_also_for_who_reads_it_again() -> None:
    serving = Serving(DIED)
    name = await serving.fail(stream=True)
    for _ in range(2):
        assert await serving.events(name) == [
            {
                "type": "error",
                "code": "ServiceUnavailableError",
                "message": Cause.DIED,
                "param": None,
                "sequence_number": 0,
            }
        ]
    assert (await serving.polled(name))["status"] == "failed"


async def test_a_stream_ends_when_its_response_is_cancelled() -> None:
    serving = Hanging()
    name = await serving.begin(stream=True)
    reading = asyncio.create_task(serving.events(name))
    await asyncio.sleep(0.01)
    assert not reading.done()
    answer = await serving.cancel_responses(name)
    assert isinstance(answer, ResponsesResponse)
    assert answer.status == "cancelled"
    (event,) = await reading
    assert (event["type"], event["code"]) == ("error", "cancelled")
    assert await serving.events(name) == [event]


async def test_nothing_comes_after_the_last_event() -> None:
    serving = Serving(DIED)
    name = await serving.fail(stream=True)
    for after in (0, 7):
        assert await serving.events(name, after) == []


async def test_a_defect_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    serving = Serving(OSError("of ours"))
    name = await serving.fail()
    (record,) = [one for one in caplog.records if one.levelno == logging.ERROR]
    assert name in record.message
    assert record.exc_info is not None
    assert record.exc_info[1] is serving.error
