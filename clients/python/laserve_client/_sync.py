"""The client, blocking. `_async.py` is the same with `await`."""

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from os import PathLike
from threading import Lock
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

import httpx

from laserve_client._calls import (
    Call,
    candidates_call,
    checkpoints_call,
    generate_call,
    job_call,
    load_call,
    model_call,
    rerank_call,
    rollback_call,
    score_call,
    select_call,
    stream_call,
)
from laserve_client._errors import ClientError
from laserve_client._fields import ExtraBody, GivenTextFields, RequestFields
from laserve_client._loads import DEFAULT_LOAD_TIMEOUT_S, POLL_S, Follower, OnState
from laserve_client._responses import api_error
from laserve_client._retries import Retries
from laserve_client._selection import SelectionOptions, SelectKeywords, ShortcutKeywords
from laserve_client._streams import StreamReader
from laserve_client._transport import (
    DEFAULT_MAX_RETRIES,
    DEFAULT_TIMEOUT,
    admin_headers_of,
    headers_of,
    root_of,
    transport_errors,
)
from laserve_client._types import (
    Answer,
    CheckpointJob,
    CheckpointList,
    Document,
    Event,
    LoadStrategy,
    Prompt,
    Ranked,
    Scores,
    Selected,
)

Result = TypeVar("Result")


class LaServe:
    """Client of a LaServe server. A context manager: it keeps its connections open between calls.

    `base_url` with or without a closing `/v1`. Without a `model`, the server is asked once for the
    first one that it names. `timeout`, seconds: how long to wait for the next bytes, which for an
    answer that is not streamed come when it is finished. 429, 503 and connections that failed
    before an answer began are tried again, `max_retries` times, with exponential backoff.
    `admin_key` goes with what changes the checkpoint that is served. `transport` is httpx's, for a
    proxy, a Unix socket or certificates of your own.

    Every method that asks a model takes fields of the server's request (`temperature`,
    `max_tokens`, `seed`, `model`, ...) as keywords: those of `laserve_client._fields`, and no
    others. None is not sent. `extra_body` is a dictionary of whatever else the server takes, sent
    as it is. All raise ClientError; the tree is in `laserve_client._errors`.
    """

    def __init__(
        self,
        base_url: str,
        model: str | None = None,
        api_key: str | None = None,
        *,
        admin_key: str | None = None,
        timeout: float | httpx.Timeout = DEFAULT_TIMEOUT,
        max_retries: int = DEFAULT_MAX_RETRIES,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._model = model
        self._model_lock = Lock()
        self._retries = Retries(max_retries)
        self._sleep: Callable[[float], None] = time.sleep
        self._admin_headers = admin_headers_of(admin_key)
        self._http = httpx.Client(
            base_url=root_of(base_url),
            headers=headers_of(api_key),
            timeout=timeout,
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def model_name(self) -> str:
        """The model that calls ask unless they name another."""
        with self._model_lock:
            if self._model is None:
                self._model = self._send(model_call())
            return self._model

    def generate(
        self, prompt: Prompt, *, extra_body: ExtraBody = None, **fields: Unpack[RequestFields]
    ) -> Answer:
        """One answer with the model's verdict on it."""
        return self._send(generate_call(prompt, fields, extra_body))

    def select(
        self, prompt: Prompt, *, extra_body: ExtraBody = None, **keywords: Unpack[SelectKeywords]
    ) -> Selected:
        """The best of several answers, drawn and selected by the server.

        The keywords are the options of `SelectionOptions`, and fields of the request.
        """
        return self._send(select_call(prompt, keywords, extra_body))

    def best_of_n(
        self,
        prompt: Prompt,
        n_max: int = 8,
        *,
        extra_body: ExtraBody = None,
        **keywords: Unpack[ShortcutKeywords],
    ) -> Selected:
        """`select` the answer with the highest score."""
        chosen: SelectKeywords = {"method": "best_of_n", "n_max": n_max, **keywords}
        return self.select(prompt, extra_body=extra_body, **chosen)

    def majority(
        self,
        prompt: Prompt,
        n_max: int = 8,
        *,
        extra_body: ExtraBody = None,
        **keywords: Unpack[ShortcutKeywords],
    ) -> Selected:
        """`select` the most frequent answer; name with `answer` what is counted."""
        chosen: SelectKeywords = {"method": "majority", "n_max": n_max, **keywords}
        return self.select(prompt, extra_body=extra_body, **chosen)

    def stream(
        self,
        prompt: Prompt,
        selection: SelectionOptions | None = None,
        *,
        extra_body: ExtraBody = None,
        **fields: Unpack[RequestFields],
    ) -> Generator[Event, None, None]:
        """The answer as it is written: `TextDelta`s, then one `Finished`.

        The request is sent, and errors are raised, as the events are read. Close the generator
        where you stop before its end.
        """
        response = self._open(stream_call(prompt, selection, fields, extra_body))
        reader = StreamReader(selecting=selection is not None)
        with transport_errors(received=True), closing(response):
            for data in response.iter_bytes():
                yield from reader.feed(data)
        yield reader.end()

    def score(
        self,
        prompt: Prompt,
        completions: str | Sequence[str],
        *,
        extra_body: ExtraBody = None,
        **fields: Unpack[GivenTextFields],
    ) -> Scores:
        """The model's verdict on answers that were written elsewhere, in their order."""
        return self._send(score_call(prompt, completions, fields, extra_body))

    def rerank(
        self,
        query: Prompt,
        documents: Sequence[Document],
        top_n: int | None = None,
        *,
        extra_body: ExtraBody = None,
        **fields: Unpack[GivenTextFields],
    ) -> list[Ranked]:
        """Candidate answers to a question, best first; only the `top_n` best, if given."""
        return self._send(rerank_call(query, documents, top_n, fields, extra_body))

    def rerank_from(
        self,
        other: "LaServe",
        prompt: Prompt,
        n: int = 8,
        top_n: int | None = None,
        *,
        extra_body: ExtraBody = None,
        **fields: Unpack[RequestFields],
    ) -> list[Ranked]:
        """Draw n answers from another server, and rerank them here.

        `other` is a client of any OpenAI-compatible server:
        `LaServe("http://127.0.0.1:8001/v1", model=..., api_key=...)`. The fields go to it.
        """
        texts: list[str] = []
        while len(texts) < n:
            call = candidates_call(prompt, n - len(texts), len(texts), fields, extra_body)
            drawn = other._send(call)
            texts += drawn
        return self.rerank(prompt, texts, top_n)

    def checkpoints(self) -> CheckpointList:
        """The checkpoint that is served, and what became of every load."""
        return self._send(checkpoints_call())

    def load_checkpoint(
        self,
        path: str | PathLike[str],
        strategy: LoadStrategy = "auto",
        *,
        force: bool = False,
        wait: bool = True,
        timeout_s: float = DEFAULT_LOAD_TIMEOUT_S,
        on_state: OnState | None = None,
    ) -> CheckpointJob:
        """Let the server take up the checkpoint in the folder `path`, as the server sees it.

        `force`: where the weights are replaced in place and requests hold that up for longer than
        the server's `--load-patience`, end those with an error; otherwise the load gives up.

        Returns the load when it has ended, after `timeout_s` seconds at most; at once unless
        `wait`. `on_state` is called with the load whenever it is seen in a new state. Raises
        CheckpointRejectedError where the server does not take it up, TimedOutError.
        """
        follower = Follower(wait=wait, timeout_s=timeout_s, on_state=on_state)
        return self._follow(load_call(path, strategy, force=force), follower)

    def roll_back(
        self,
        *,
        force: bool = False,
        wait: bool = True,
        timeout_s: float = DEFAULT_LOAD_TIMEOUT_S,
        on_state: OnState | None = None,
    ) -> CheckpointJob:
        """Let the server go back to the checkpoint that was active before; the arguments are those
        of `load_checkpoint`."""
        follower = Follower(wait=wait, timeout_s=timeout_s, on_state=on_state)
        return self._follow(rollback_call(force=force), follower)

    def _follow(self, call: Call[CheckpointJob], follower: Follower) -> CheckpointJob:
        job = self._send(call)
        while not follower.is_done(job):
            self._sleep(POLL_S)
            job = self._send(job_call(job.id))
        return job

    def _send(self, call: Call[Result]) -> Result:
        response = self._open(call)
        with transport_errors(received=True), closing(response):
            content = response.read()
        return call.result(content)

    def _open(self, call: Call[Any]) -> httpx.Response:
        """A response of status 2xx whose body is not read yet."""
        content = call.content(self.model_name() if call.needs_model else None)
        retries = 0
        while True:
            try:
                return self._try(call, content)
            except ClientError as error:
                wait_s = self._retries.wait_s(error, retries, once=call.administers)
                if wait_s is None:
                    raise
            self._sleep(wait_s)
            retries += 1

    def _try(self, call: Call[Any], content: bytes | None) -> httpx.Response:
        headers = self._admin_headers if call.is_of_checkpoints else None
        request = self._http.build_request(call.method, call.path, content=content, headers=headers)
        with transport_errors(received=False):
            response = self._http.send(request, stream=True)
        if response.is_success:
            return response
        with transport_errors(received=True), closing(response):
            body = response.read()
        raise api_error(response.status_code, response.headers, body)
