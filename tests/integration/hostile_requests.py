"""Requests that hurt plain vLLM 0.32, or look as if they should.

A server may refuse or answer each of them, but not with a 5xx (501 says that something is not
built in), not after the client's patience, and not at the price of other requests. Bodies are for
the tiny model on a server with 512 tokens of context and a small `max_num_batched_tokens`; a test
adds `model` to those that are objects.
"""

from dataclasses import dataclass, field
from typing import Any

NAN, INFINITY = float("nan"), float("inf")
SURROGATE = "\ud800"
LETTER_A = 64
"""The tiny tokenizer's id of "a"."""
LONG_PROMPT = [7 * i % 256 for i in range(300)]
"""More tokens than `max_num_batched_tokens`, so it is prefilled in chunks."""
LONG_TEXT = "x" * 300
TEN_MEGABYTES = "ab c" * 2_500_000

CHAT, COMPLETIONS = "/v1/chat/completions", "/v1/completions"
RESPONSES, MESSAGES = "/v1/responses", "/v1/messages"
USER = {"role": "user", "content": "hi"}

_RULE_CHAIN = "".join(f"{'(' * 20}r{i}{')' * 20}\nr{i}:" for i in range(300))


@dataclass(frozen=True, slots=True)
class HostileRequest:
    """One POST."""

    name: str
    path: str
    body: dict[str, Any] | bytes
    headers: dict[str, str] = field(default_factory=dict)


def _completion(name: str, **fields: Any) -> HostileRequest:
    return HostileRequest(name, COMPLETIONS, {"prompt": [1, 2, 3], "max_tokens": 8, **fields})


def _structured(name: str, **spec: Any) -> HostileRequest:
    return _completion(f"structured_{name}", structured_outputs=spec)


def _chat(name: str, *messages: Any, **fields: Any) -> HostileRequest:
    body = {"messages": list(messages) or [USER], "max_tokens": 8, **fields}
    return HostileRequest(f"chat_{name}", CHAT, body)


def _response(name: str, **fields: Any) -> HostileRequest:
    return HostileRequest(
        f"responses_{name}", RESPONSES, {"input": "hi", "max_output_tokens": 8, **fields}
    )


def _message(name: str, **fields: Any) -> HostileRequest:
    return HostileRequest(
        f"messages_{name}", MESSAGES, {"messages": [USER], "max_tokens": 8, **fields}
    )


def _tool(parameters: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "f", "parameters": parameters}}


def _tool_call(arguments: str) -> dict[str, Any]:
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": arguments}}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


# vLLM gives its engine the structured-outputs backend of the first request that has a constraint,
# and validates each later one for the backend that suits it best: after one of these, every choice
# is answered with a 500. They come first, while the server has none yet.
_POISONS_STRUCTURED_OUTPUTS = [
    _structured(
        "pattern_and_properties",
        json={
            "type": "object",
            "properties": {"a": {"type": "string"}},
            "patternProperties": {"^x": {"type": "string"}},
        },
    ),
    _structured("multiple_of", json={"type": "number", "multipleOf": 2}),
]

_KILLS_THE_ENGINE = [
    # RuntimeError: CPU Generator does not use offset (gpu_model_runner._bookkeeping_sync)
    _completion("seed_in_chunks", prompt=LONG_PROMPT, seed=1),
    _chat("seed_in_chunks", {"role": "user", "content": LONG_TEXT}, seed=1),
    _response("seed_in_chunks", input=LONG_TEXT, seed=1),
    _completion("seed_in_chunks_n", prompt=LONG_PROMPT, seed=1, n=4, prompt_logprobs=2),
    HostileRequest(
        "batch_seed_in_chunks",
        "/v1/chat/completions/batch",
        {"messages": [[{"role": "user", "content": LONG_TEXT}]], "max_tokens": 2, "seed": 1},
    ),
    HostileRequest(
        "generate_seed_in_chunks",
        "/inference/v1/generate",
        {"token_ids": LONG_PROMPT, "sampling_params": {"max_tokens": 2, "seed": 1}},
    ),
    # What xgrammar refuses, vLLM hands to llguidance, in the API server: its parser overflows the
    # stack (SIGSEGV), and it lays out every element that an array may have (memory).
    _structured("chain_of_rules", grammar=f'%llguidance {{}}\nstart:{_RULE_CHAIN}"y"'),
    _structured(
        "ten_million_items",
        json={"type": "array", "maxItems": 10**7, "items": {"type": "integer", "multipleOf": 2}},
    ),
]

_HOLDS_UP_THE_OTHERS = [
    # The matcher's work per token grows with the cube of the answer, in the scheduler's thread.
    _completion(
        "regex_nested_stars",
        max_tokens=400,
        allowed_token_ids=[LETTER_A],
        structured_outputs={"regex": "((((a|a|.)*)*)*)*b"},
    ),
    _completion(
        "json_pattern_nested_stars",
        max_tokens=400,
        logit_bias={str(LETTER_A): 100},
        structured_outputs={"json": {"type": "string", "pattern": "^((((a|a|.)*)*)*)*b$"}},
    ),
    _completion(
        "grammar_ambiguous_at_length",
        max_tokens=400,
        allowed_token_ids=[LETTER_A],
        structured_outputs={"grammar": 'root ::= x "!"\nx ::= x x x | x x | [a-z]'},
    ),
    # One thread compiles all grammars, without a limit on time.
    _structured("classes_by_the_hundred", regex=r"[^\u0080-\uff00]*" * 1700),
    _structured("literal_of_a_megabyte", grammar=f'root ::= "{"a" * 1_000_000}"'),
    _structured("choice_of_half_a_megabyte", choice=["x" * 500_000]),
    _structured("choices_by_the_thousand", choice=[f"c{i}" for i in range(50_000)]),
    _structured("enum_by_the_thousand", json={"enum": list(range(50_000))}),
    _structured(
        "properties_by_the_thousand",
        json={"type": "object", "properties": {f"p{i}": {} for i in range(10_000)}},
    ),
    # One thread tokenises all prompts, and a prompt that is to be truncated skips the length check.
    _completion("truncated_ten_megabytes", prompt=TEN_MEGABYTES, truncate_prompt_tokens=10),
    _response("truncated_ten_megabytes", input=TEN_MEGABYTES, truncation="auto"),
    HostileRequest("tokenize_ten_megabytes", "/tokenize", {"prompt": TEN_MEGABYTES}),
    # First come, first served: the requests behind these wait for all of their sequences.
    _completion("sixteen_thousand_answers", n=16_384, max_tokens=400, ignore_eos=True),
    _completion("prompts_times_answers", prompt=["a"] * 1024, n=64, max_tokens=16),
    _completion(
        "beams_times_prompts", prompt=["a"] * 200, use_beam_search=True, n=10, max_tokens=400
    ),
]

_HAS_NO_ANSWER = [
    # A constraint that admits no token is only found out while decoding.
    _structured("empty_language", regex=r"[^\s\S]"),
    _structured("regex_flag", regex="(?i)abc"),
    _structured("regex_unicode_class", regex=r"\p{L}+"),
    _structured("regex_ends_in_backslash", regex="abc\\"),
    _structured("schema_is_itself", json={"$ref": "#"}),
    _structured(
        "schema_refers_in_circles",
        json={
            "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}},
            "$ref": "#/$defs/a",
        },
    ),
    _structured("negative_length", json={"type": "string", "minLength": -1}),
    _structured("billion_properties", json={"type": "object", "minProperties": 10**9}),
    _structured("pattern_with_nul", json={"type": "string", "pattern": "a\0b"}),
    _structured("bad_key_pattern", json={"patternProperties": {"(": {"type": "string"}}}),
    _structured("rule_is_itself", grammar="root ::= root"),
    _structured("empty_rule", grammar="root ::= "),
    _structured("unknown_token", grammar="root ::= Token(99999)"),
    _structured("counted_to_two_billion", regex="a{2147483647}"),
    _structured("counted_twice", regex="(a{10000}){10000}"),
    _structured("lark_special_token", grammar='start: <|im_end|> "a"'),
    _completion(
        "constraint_against_allowed_tokens",
        allowed_token_ids=[5],
        structured_outputs={"choice": ["a"]},
    ),
    _completion(
        "constraint_against_penalty",
        repetition_penalty=1e-300,
        max_tokens=20,
        structured_outputs={"json": {"type": "object"}},
    ),
    _chat("tool_schema_is_itself", tools=[_tool({"$ref": "#"})], tool_choice="required"),
]

_CANNOT_BE_SENT = [
    # vLLM fails to serialise these for its engine, after it has registered the request.
    _completion("huge_top_k", top_k=2**70),
    _completion(
        "huge_pattern_size", repetition_detection={"max_pattern_size": 2**70, "min_count": 2}
    ),
    _completion("huge_stream_interval", stream=True, stream_interval=2**70),
    _message("huge_top_k", top_k=2**70),
    _completion("surrogate_stop", stop=[SURROGATE]),
    _completion("surrogate_bad_word", bad_words=[SURROGATE]),
    _completion("surrogate_request_id", request_id=SURROGATE),
    _completion("surrogate_session_id", session_id=SURROGATE),
    _completion("surrogate_extra_argument", vllm_xargs={SURROGATE: SURROGATE}),
    _completion("surrogate_transfer", kv_transfer_params={"a": {"b": [NAN, SURROGATE]}}),
    _completion("transfer_is_a_string", vllm_xargs={"kv_transfer_params": "x"}),
    _message("surrogate_stop", stop_sequences=[SURROGATE]),
    HostileRequest(
        "huge_priority_header", COMPLETIONS, {"prompt": "a"}, {"X-Vllm-Priority": str(2**70)}
    ),
]

_BREAKS_VALIDATION = [
    _completion("structured_outputs_is_a_string", structured_outputs="x"),
    _chat("structured_outputs_is_a_list", structured_outputs=[1]),
    _chat("tool_without_function", tools=[{"type": "function"}], tool_choice=_tool({})),
    _chat("tool_without_name", tools=[{"type": "function", "function": {}}], tool_choice=_tool({})),
    _chat("deep_tool_arguments", USER, _tool_call("[" * 100_000)),
    _response(
        "deep_tool_arguments",
        input=[{"type": "function_call", "call_id": "1", "name": "f", "arguments": "[" * 50_000}],
    ),
    _response(
        "continues_an_empty_message",
        input=[
            USER,
            {
                "type": "message",
                "id": "x",
                "status": "in_progress",
                "role": "assistant",
                "content": [],
            },
        ],
    ),
    _completion("beams_with_huge_penalty", use_beam_search=True, n=2, length_penalty=-1e308),
]

# Plain vLLM takes these well; they stay here because other versions may not.
_LOOKS_DANGEROUS = [
    _completion("smallest_seed", seed=-(2**63)),
    _completion("seed_beyond_64_bits", seed=2**64),
    _completion("prompt_logprobs_in_chunks", prompt=LONG_PROMPT, prompt_logprobs=5),
    _completion("echo_in_chunks", prompt=LONG_PROMPT, echo=True, logprobs=3, max_tokens=0),
    _completion("every_logprob", logprobs=-1, prompt_logprobs=-1),
    _completion("infinite_logprobs", logprobs=INFINITY),
    _completion("logprobs_of_unknown_token", logprobs=1, logprob_token_ids=[2**40]),
    _completion("logprobs_of_tokens", logprobs=1, logprob_token_ids=[1, 1, 2], n=2, stream=True),
    _completion("no_token_allowed", allowed_token_ids=[]),
    _completion("only_eos_allowed_but_not_yet", allowed_token_ids=[258], min_tokens=5, logprobs=5),
    _completion("every_token_stops_but_not_yet", stop_token_ids=list(range(384)), min_tokens=5),
    _completion("bias_not_a_number", logit_bias={"1": NAN, "2": INFINITY, "3": -INFINITY}),
    _completion("bias_against_all", logit_bias={str(i): -100 for i in range(384)}),
    _completion("bias_key_of_many_digits", logit_bias={"9" * 5000: 1}),
    _completion("bad_word_longer_than_the_answer", bad_words=["a" * 900]),
    _completion("bad_words_by_the_thousand", bad_words=[f"w{i}" for i in range(20_000)]),
    _completion("everything_extreme", top_p=1e-320, min_p=1.0, top_k=1, temperature=1e-300),
    _completion("penalty_underflows", repetition_penalty=1e-300, logprobs=5, top_p=0.5, top_k=3),
    _completion("penalty_overflows", repetition_penalty=1e300, n=3),
    _completion(
        "endless_repetition_pattern",
        repetition_detection={"max_pattern_size": 2**62, "min_count": 2},
    ),
    _completion("context_full_at_once", prompt=[1] * 511, max_tokens=5),
    _completion("context_exceeded", prompt=[1] * 512),
    _completion("huge_max_tokens", max_tokens=2**70),
    _completion("no_prompt", prompt=[]),
    _completion("empty_prompts", prompt=[""]),
    _completion("unknown_tokens", prompt=[2**31]),
    _completion("negative_token", prompt=[-1]),
    _completion("surrogate_prompt", prompt=SURROGATE),
    _completion("nul_prompt", prompt="\0" * 10),
    _completion("a_thousand_prompts", prompt=["a"] * 1024, max_tokens=1),
    _completion("too_many_prompts", prompt=["a"] * 1025),
    _completion("no_answers", n=0),
    _completion("embeddings", prompt=None, prompt_embeds="AAAA"),
    _completion("truncated_to_nothing", truncate_prompt_tokens=0),
    _completion("stop_of_a_megabyte", stop=["a" * 1_000_000]),
    _structured("regex_lookahead", regex="(?=a)b"),
    _structured("regex_backtracks", regex="(x+x+)+y" * 10),
    _structured("regex_deep", regex="(" * 200_000 + "a" + ")" * 200_000),
    _structured("grammar_deep", grammar=f'root ::= {"(" * 200_000}"a"{")" * 200_000}'),
    _structured("grammar_ambiguous", grammar='root ::= root root | "a" | ""'),
    _structured("schema_deep", json='{"type":"array","items":' * 5000 + "{}" + "}" * 5000),
    _structured(
        "schema_pattern_counts", json={"type": "string", "pattern": "^(a{1,1000}){1,1000}$"}
    ),
    _structured("schema_of_wrong_types", json={"type": 5, "properties": [], "required": 7}),
    _structured("schema_elsewhere", json={"$ref": "file:///etc/passwd"}),
    _structured("no_choice", choice=[]),
    _structured("tag_of_wrong_types", structural_tag='{"structures": 5, "triggers": 5}'),
    _chat("no_messages", messages=[]),
    _chat("alien_role", {"role": SURROGATE, "content": "x"}),
    _chat("content_of_wrong_type", {"role": "user", "content": {"a": 1}}),
    _chat("alien_part", {"role": "user", "content": [{"type": ["text"], "text": "a"}]}),
    _chat(
        "local_file_as_image",
        {
            "role": "user",
            "content": [{"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}],
        },
    ),
    _chat("broken_tool_arguments", USER, _tool_call("{")),
    _chat(
        "continues_nothing", continue_final_message=True, add_generation_prompt=False, messages=[]
    ),
    _chat("endless_template", chat_template="{% for i in range(10**9) %}x{% endfor %}"),
    _chat(
        "template_in_arguments",
        chat_template_kwargs={"chat_template": "{{ 0/0 }}", "tokenize": True},
    ),
    _chat("arguments_collide", chat_template_kwargs={"tokenizer": 1, "conversation": 5, "self": 2}),
    _chat("tool_schema_of_wrong_type", tools=[_tool({"type": 5})], tool_choice="required"),
    _chat("unknown_format", response_format={"type": "x"}),
    _chat("format_without_schema", response_format={"type": "json_schema"}),
    _response("unknown_item", input=[{"type": "x"}, None, 5]),
    _response("unknown_predecessor", previous_response_id="resp_x"),
    _message(
        "broken_image", messages=[{"role": "user", "content": [{"type": "image", "source": 5}]}]
    ),
    _message("negative_limit", max_tokens=-1),
    HostileRequest("detokenize_unknown", "/detokenize", {"tokens": [2**70, -1]}),
    HostileRequest("not_json", CHAT, b"{"),
    HostileRequest("not_an_object", CHAT, b"[]"),
    HostileRequest("not_utf8", COMPLETIONS, b'{"prompt": "\xff\xfe"}'),
    HostileRequest("deep_json", CHAT, b'{"messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    HostileRequest("integer_of_many_digits", CHAT, b'{"max_tokens":' + b"9" * 5000 + b"}"),
]

HOSTILE: list[HostileRequest] = [
    *_POISONS_STRUCTURED_OUTPUTS,
    *_KILLS_THE_ENGINE,
    *_HOLDS_UP_THE_OTHERS,
    *_HAS_NO_ANSWER,
    *_CANNOT_BE_SENT,
    *_BREAKS_VALIDATION,
    *_LOOKS_DANGEROUS,
]
