"""What a soak's answers must be: greedy texts and scores of each checkpoint, by Hugging Face."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from laserve.core.manifest import read_manifest
from laserve.reference.load import load_model, load_tokenizer
from tests.bench.hot_load.references import References
from tests.bench.soak.requests import GREEDY_TOKENS, PROMPTS, Request


class Expected:
    """Of the checkpoints in these folders."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._references = References(folders)
        self._tokenizer = load_tokenizer(str(folders[0]))
        self._eos = self._tokenizer.eos_token_id
        self._greedy: dict[tuple[str, str], str] = {}
        for folder in folders:
            manifest = read_manifest(folder)
            assert manifest is not None
            model = load_model(str(folder), "float32").eval()
            for prompt in PROMPTS:
                ids = torch.tensor([self._prompt_ids(prompt)])
                with torch.inference_mode():
                    found = model.generate(
                        ids, do_sample=False, max_new_tokens=GREEDY_TOKENS, pad_token_id=0
                    )
                text = self._tokenizer.decode(found[0, ids.shape[1] :], skip_special_tokens=True)
                self._greedy[manifest.checkpoint, prompt] = _whole(str(text))

    def defect(self, request: Request, status: int, header: str | None, body: str) -> str | None:
        """What is wrong with an answer; None where nothing is."""
        if status != request.status:
            return f"status {status}: {body[:300]}"
        if status != 200:
            return None if "error" in body else f"no error in {body[:300]}"
        if request.body.get("stream"):
            choices, prompt = _joined(body)
            if choices is None:
                return f"a stream ends with {body[-300:]}"
        else:
            answer = json.loads(body)
            choices, prompt = _choices(answer), answer.get("prompt_token_ids") or []
        found = [self._of_choice(request, header, choice, prompt) for choice in choices]
        return next(filter(None, found), None) if found else "an answer of nothing"

    def _of_choice(
        self, request: Request, header: str | None, choice: dict[str, Any], prompt: list[int]
    ) -> str | None:
        reward = choice.get("self_reward")
        if reward is None:
            return "an answer has no self-reward"
        name = reward["checkpoint"]
        if name != header:
            return f"an answer of {name} has the header of {header}"
        if request.kind in ("chat, greedy", "message", "response"):
            text, expected = _whole(_text(choice)), self._greedy.get((name, request.prompt))
            if text != expected:
                return f"{request.kind}: {name} answers {text!r}, and must answer {expected!r}"
        if request.completions:
            given = request.completions[choice["index"]]
            ids = self._tokenizer(given, add_special_tokens=False).input_ids
            return self._references.defect(
                reward, (*self._prompt_ids(request.prompt), *ids, self._eos)
            )
        if reward["status"] == "truncated":
            return None
        if reward["status"] != "scored":
            return f"an answer is not scored: {reward['status']}"
        if not choice.get("token_ids"):
            return None
        prompt = choice.get("prompt_token_ids") or prompt
        return self._references.defect(reward, (*prompt, *choice["token_ids"]))

    def _prompt_ids(self, prompt: str) -> list[int]:
        text = self._tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt}], add_generation_prompt=True, tokenize=False
        )
        return list(self._tokenizer(str(text), add_special_tokens=False).input_ids)


def _choices(answer: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = answer.get("choices") or answer.get("data") or [answer]
    return found


def _text(choice: dict[str, Any]) -> str:
    """Of a choice of a chat, of a message, or of a response."""
    if "message" in choice:
        return choice["message"]["content"] or ""
    parts = choice.get("content") or [p for item in choice["output"] for p in item["content"]]
    return "".join(part["text"] for part in parts)


def _whole(text: str) -> str:
    """Without the first bytes of a character at its end, which vLLM keeps back."""
    return text.rstrip("\N{REPLACEMENT CHARACTER}")


def _joined(body: str) -> tuple[list[dict[str, Any]] | None, list[int]]:
    """The only choice of a stream, and its prompt; None where it ends with an error or too soon."""
    choice: dict[str, Any] = {"token_ids": []}
    prompt: list[int] = []
    for event in _events(body):
        if "error" in event:
            return None, []
        prompt = event.get("prompt_token_ids") or prompt
        for part in event["choices"]:
            choice["token_ids"] += part.get("token_ids") or []
            choice |= {"self_reward": part["self_reward"]} if part.get("self_reward") else {}
    return ([choice], prompt) if body.rstrip().endswith("data: [DONE]") else (None, [])


def _events(body: str) -> Iterator[dict[str, Any]]:
    for line in body.splitlines():
        if line.startswith("data: {"):
            yield json.loads(line.removeprefix("data: "))
