"""Request bodies at random, from what each field may, may just, and may not hold."""

from collections.abc import Callable
from random import Random
from typing import Any

from tests.integration.hostile_requests import (
    CHAT,
    COMPLETIONS,
    INFINITY,
    MESSAGES,
    NAN,
    RESPONSES,
    SURROGATE,
    USER,
    HostileRequest,
)

Draw = Callable[[Random], Any]

_ODD_NUMBERS: list[Any] = [True, -1, 0, 1.5, 2**63, -(2**70), NAN, INFINITY]
_ODD_VALUES = [
    *_ODD_NUMBERS,
    None,
    "",
    "x",
    SURROGATE,
    "\0",
    [],
    [None],
    [[]],
    {},
    {"a": {"b": []}},
]
_TEXTS = ["a", "hello world", "x" * 200, "é😀\u0301", "\0\n\t", "<|im_end|>", " ", "{}", "\\", '"']


def _int(low: int, high: int) -> Draw:
    return lambda random: random.randint(low, high)


def _float(low: float, high: float) -> Draw:
    return lambda random: random.choice([low, high, random.uniform(low, high)])


def _pick(*values: Any) -> Draw:
    return lambda random: random.choice(values)


def _list(item: Draw, up_to: int) -> Draw:
    return lambda random: [item(random) for _ in range(random.randint(0, up_to))]


def _prompt(random: Random) -> list[int]:
    return [random.randrange(256) for _ in range(random.choice([1, 5, 40, 200]))]


def _bias(random: Random) -> dict[str, float]:
    return {str(random.randrange(260)): random.uniform(-120, 120) for _ in range(5)}


_text = _pick(*_TEXTS)
_token = _pick(0, 1, 64, 255, 256, 258, 259, 383, 384)
_constraint = _pick(
    {"regex": "[ab]{1,9}"},
    {"choice": ["yes", "no", ""]},
    {"json": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}},
    {"json_object": True},
    {"regex": "("},
    {"json": {"$ref": "#"}},
    {"structural_tag": "{}"},
    {},
)

_SAMPLING: dict[str, Draw] = {
    "max_tokens": _int(1, 30),
    "temperature": _pick(0, 0.0, 1e-6, 0.5, 1, 2.0),
    "top_p": _float(1e-9, 1.0),
    "top_k": _pick(-1, 0, 1, 5, 384, 10_000),
    "seed": _pick(-1, 0, 1, 7, 2**63 - 1),
    "stop": _list(_text, 4),
}
_VLLM: dict[str, Draw] = {
    "n": _int(1, 5),
    "stream": _pick(True, False),
    "presence_penalty": _float(-2, 2),
    "frequency_penalty": _float(-2, 2),
    "repetition_penalty": _pick(1e-300, 0.5, 1.0, 1.3, 1e38),
    "min_p": _float(0, 1),
    "min_tokens": _int(0, 12),
    "ignore_eos": _pick(True, False),
    "stop_token_ids": _list(_token, 5),
    "logit_bias": _bias,
    "allowed_token_ids": _list(_token, 8),
    "bad_words": _list(_text, 3),
    "prompt_logprobs": _pick(0, 1, 20),
    "logprob_token_ids": _list(_token, 4),
    "echo": _pick(True, False),
    "structured_outputs": _constraint,
    "include_stop_str_in_output": _pick(True, False),
    "skip_special_tokens": _pick(True, False),
    "return_token_ids": _pick(True, False),
    "truncate_prompt_tokens": _pick(-1, 1, 50),
    "repetition_detection": _pick({"max_pattern_size": 3, "min_pattern_size": 1, "min_count": 2}),
    "stream_interval": _int(1, 9),
    "priority": _int(-2, 2),
    "cache_salt": _text,
    "kv_transfer_params": _pick({"do_remote_decode": True}, {"prompt_token_ids": [1, 2]}),
    "vllm_xargs": _pick({"a": 1}, {"b": ["x", 2.5]}),
    "use_beam_search": _pick(True, False),
    "self_reward": _pick(True, False),
}
_FIELDS: dict[str, dict[str, Draw]] = {
    COMPLETIONS: {**_SAMPLING, **_VLLM, "logprobs": _pick(0, 1, 5, 20), "prompt": _text},
    CHAT: {
        **_SAMPLING,
        **_VLLM,
        "logprobs": _pick(True),
        "top_logprobs": _pick(0, 3, 20),
        "response_format": _pick({"type": "text"}, {"type": "json_object"}),
        "continue_final_message": _pick(True, False),
        "add_generation_prompt": _pick(True, False),
    },
    RESPONSES: {
        **_SAMPLING,
        "stream": _pick(True, False),
        "instructions": _text,
        "top_logprobs": _pick(0, 5),
        "include": _pick(["message.output_text.logprobs"]),
        "truncation": _pick("auto", "disabled"),
        "background": _pick(False),
    },
    MESSAGES: {
        **_SAMPLING,
        "stream": _pick(True, False),
        "system": _text,
        "stop_sequences": _list(_text, 3),
    },
}
_REQUIRED: dict[str, Draw] = {
    COMPLETIONS: lambda random: {"prompt": _prompt(random), "max_tokens": 8},
    CHAT: lambda random: {
        "messages": [USER, {"role": "user", "content": _text(random)}],
        "max_tokens": 8,
    },
    RESPONSES: lambda random: {"input": _text(random), "max_output_tokens": 8},
    MESSAGES: lambda random: {"messages": [USER], "max_tokens": 8},
}


def random_requests(seed: int, count: int) -> list[HostileRequest]:
    """``count`` bodies, the same for the same seed; one field in twelve holds an odd value."""
    random = Random(seed)
    return [_random_request(random, f"random_{seed}_{number}") for number in range(count)]


def _random_request(random: Random, name: str) -> HostileRequest:
    path = random.choices(list(_FIELDS), weights=[6, 4, 1, 1])[0]
    body = _REQUIRED[path](random)
    fields = _FIELDS[path]
    for field in random.sample(sorted(fields), k=min(random.randint(0, 8), len(fields))):
        odd = random.random() < 1 / 12
        body[field] = random.choice(_ODD_VALUES) if odd else fields[field](random)
    return HostileRequest(name, path, body)
