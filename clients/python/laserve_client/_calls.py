"""Every call of the API: what is sent, and how the answer is read. No input or output here."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from laserve_client._errors import InvalidArgumentError, InvalidResponseError
from laserve_client._fields import GENERATION, GIVEN_TEXT, ExtraBody, body_of
from laserve_client._responses import decode, validate
from laserve_client._selection import OPTIONS, SelectionOptions, checked_options, parted
from laserve_client._types import (
    Answer,
    CheckpointJob,
    CheckpointList,
    Document,
    LoadStrategy,
    Prompt,
    Ranked,
    Scores,
    Selected,
)
from laserve_client._wire import Completion, GivenScores, Models, Ranking, answer_of, selected

Result = TypeVar("Result")

CHAT = "/v1/chat/completions"
CHECKPOINTS = "/v1/checkpoints"

_GIVEN_OTHERWISE = {
    "messages": "give the messages as the prompt",
    "n": "select() draws several answers, and return_candidates=True gives them all",
    "selection": "call select(), or give stream() a selection",
    "stream": "call stream()",
}
"""Fields of the request that a call sets itself, or that stand elsewhere in it."""


@dataclass(frozen=True)
class Call(Generic[Result]):
    """One request, and how its answer is read."""

    method: str
    path: str
    body: Mapping[str, Any] | None
    read: Callable[[dict[str, Any]], Result]
    """From the answer's JSON. Raises InvalidResponseError."""
    administers: bool = False
    """It changes what is served: it names no model, and is not sent again where it may have
    arrived, since twice is not the same as once."""

    @property
    def is_of_checkpoints(self) -> bool:
        """Whether it carries the admin key: it changes what is served, or tells where that lies."""
        return self.path.startswith(CHECKPOINTS)

    @property
    def needs_model(self) -> bool:
        """Whether the name of a model is missing yet."""
        return self.body is not None and not self.administers and "model" not in self.body

    def content(self, model: str | None) -> bytes | None:
        """The request's body. Raises InvalidArgumentError for what JSON cannot hold."""
        if self.body is None:
            return None
        body = {"model": model, **self.body} if self.needs_model else self.body
        try:
            return json.dumps(body, allow_nan=False).encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidArgumentError(f"the request cannot be written as JSON: {error}") from error

    def result(self, content: bytes) -> Result:
        """Raises InvalidResponseError."""
        return self.read(decode(content))


def model_call() -> Call[str]:
    """The model that the server names first: its own, before adapters."""

    def read(body: dict[str, Any]) -> str:
        return validate(Models, body).data[0].id

    return Call("GET", "/v1/models", None, read)


def generate_call(prompt: Prompt, fields: Mapping[str, Any], extra_body: ExtraBody) -> Call[Answer]:
    """One answer."""

    def read(body: dict[str, Any]) -> Answer:
        return answer_of(validate(Completion, body), body)

    return Call("POST", CHAT, _chat(prompt, fields, extra_body), read)


def select_call(
    prompt: Prompt, keywords: Mapping[str, Any], extra_body: ExtraBody
) -> Call[Selected]:
    """The one answer that the server selects."""
    options, fields = parted(keywords)

    def read(body: dict[str, Any]) -> Selected:
        return selected(answer_of(validate(Completion, body), body))

    body = {**_chat(prompt, fields, extra_body, OPTIONS), "selection": options}
    return Call("POST", CHAT, body, read)


def stream_call(
    prompt: Prompt,
    selection: SelectionOptions | None,
    fields: Mapping[str, Any],
    extra_body: ExtraBody,
) -> Call[None]:
    """A streamed answer, which `StreamReader` reads."""
    asked = _chat(prompt, fields, extra_body)
    body = {"stream_options": {"include_usage": True}, **asked, "stream": True}
    if selection is not None:
        body["selection"] = checked_options(selection)
    return Call("POST", CHAT, body, lambda _: None)


def candidates_call(
    prompt: Prompt, n: int, offset: int, fields: Mapping[str, Any], extra_body: ExtraBody
) -> Call[list[str]]:
    """Up to n answers of any OpenAI-compatible server, the texts alone.

    Some servers answer with one whatever `n` says; `offset` counts those that came already, and
    moves a `seed`, which would draw the same ones again.
    """
    body = {**_chat(prompt, fields, extra_body), "n": n}
    if isinstance(body.get("seed"), int):
        body["seed"] += offset

    def read(body: dict[str, Any]) -> list[str]:
        texts = [choice.message.content for choice in validate(Completion, body).choices]
        if None in texts:
            raise InvalidResponseError("an answer of the other server has no text to rerank")
        return [text for text in texts if text is not None]

    return Call("POST", CHAT, body, read)


def score_call(
    prompt: Prompt,
    completions: str | Sequence[str],
    fields: Mapping[str, Any],
    extra_body: ExtraBody,
) -> Call[Scores]:
    """The model's verdict on texts, in their order."""
    texts = [completions] if isinstance(completions, str) else list(completions)

    def read(body: dict[str, Any]) -> Scores:
        answer = validate(GivenScores, body)
        data = sorted(answer.data, key=lambda item: item.index)
        if [item.index for item in data] != list(range(len(texts))):
            raise InvalidResponseError(
                f"{len(texts)} completions were sent, and the answer scores others: "
                f"{[item.index for item in data]}"
            )
        rewards = [item.self_reward for item in data]
        return Scores(rewards, prompt_form=answer.prompt_form, warning=answer.warning)

    asked = body_of(fields, GIVEN_TEXT, extra_body)
    body = {**asked, "messages": _messages(prompt), "completion": texts}
    return Call("POST", "/v1/self_reward", body, read)


def rerank_call(
    query: Prompt,
    documents: Sequence[Document],
    top_n: int | None,
    fields: Mapping[str, Any],
    extra_body: ExtraBody,
) -> Call[list[Ranked]]:
    """Candidate answers, best first."""
    texts = [_text(document) for document in documents]
    asked = {"query": query} if isinstance(query, str) else {"messages": _messages(query)}

    def read(body: dict[str, Any]) -> list[Ranked]:
        items = validate(Ranking, body).results
        for item in items:
            if not 0 <= item.index < len(texts):
                raise InvalidResponseError(
                    f"{len(texts)} documents were sent, and the answer ranks number {item.index}"
                )
        return [Ranked(text=texts[item.index], **dict(item)) for item in items]

    body = {
        **body_of(fields, GIVEN_TEXT, extra_body),
        **asked,
        "documents": texts,
        "top_n": top_n,
        "return_documents": False,
    }
    return Call("POST", "/v1/rerank", body, read)


def checkpoints_call() -> Call[CheckpointList]:
    """What is served, and every load."""
    return Call("GET", CHECKPOINTS, None, lambda body: validate(CheckpointList, body))


def job_call(job_id: str) -> Call[CheckpointJob]:
    """One load."""
    return Call("GET", f"{CHECKPOINTS}/{quote(job_id, safe='')}", None, _job)


def load_call(
    path: str | PathLike[str], strategy: LoadStrategy, *, force: bool
) -> Call[CheckpointJob]:
    """Start a load."""
    body = {"path": fspath(path), "strategy": strategy, **_forcing(force)}
    return Call("POST", CHECKPOINTS, body, _job, administers=True)


def rollback_call(*, force: bool) -> Call[CheckpointJob]:
    """Start a return to what was active before."""
    return Call("POST", f"{CHECKPOINTS}/rollback", _forcing(force) or None, _job, administers=True)


def _forcing(force: bool) -> dict[str, Any]:
    return {"force": True} if force else {}


def _job(body: dict[str, Any]) -> CheckpointJob:
    return validate(CheckpointJob, body)


def _chat(
    prompt: Prompt,
    fields: Mapping[str, Any],
    extra_body: ExtraBody,
    beside: Iterable[str] = (),
) -> dict[str, Any]:
    """``beside``: keywords that the call knows besides the fields of the request."""
    for name, instead in _GIVEN_OTHERWISE.items():
        if name in fields or name in (extra_body or {}):
            raise InvalidArgumentError(f"{name!r} cannot be given here: {instead}")
    if misplaced := OPTIONS.keys() & fields.keys():
        raise InvalidArgumentError(
            f"{min(misplaced)!r} is an option of a selection: call select(), or give stream() a "
            "selection"
        )
    asked = body_of(fields, GENERATION, extra_body, beside)
    return {**asked, "messages": _messages(prompt)}


def _messages(prompt: Prompt) -> list[Mapping[str, Any]]:
    if isinstance(prompt, str):
        return [{"role": "user", "content": prompt}]
    return list(prompt)


def _text(document: Document) -> str:
    text = document if isinstance(document, str) else document.get("text")
    if not isinstance(text, str):
        raise InvalidArgumentError('a document is a text or {"text": text}')
    return text
