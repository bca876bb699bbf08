"""What the routes of vLLM's server do that take more than a GET: each is listed here, and one that
a release adds has to be."""

from typing import Any

_MESSAGES = [{"role": "user", "content": "Why?"}]

SCORED: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": _MESSAGES, "max_tokens": 5},
    "/v1/completions": {"prompt": "Why?", "max_tokens": 5},
    "/v1/responses": {"input": "Why?", "max_output_tokens": 5},
    "/v1/messages": {"messages": _MESSAGES, "max_tokens": 5},
    "/v1/chat/completions/batch": {"messages": [_MESSAGES], "max_tokens": 5},
    "/invocations": {"messages": _MESSAGES, "max_tokens": 5},
}
"""Routes that generate text and score it, each with a small request."""

SELECTING = {"/v1/chat/completions", "/v1/completions", "/invocations"}
"""Those of them that select among samples."""

UNSCORED: dict[str, str] = {
    "/generative_scoring": "one token per item, for the probabilities of its alternatives",
    "/v1/systemone": "one token per question, for the probabilities of its options",
    "/v1/decisions": "the same",
    "/inference/v1/generate": "token ids for another server, which makes the answer of them",
    "/cohere/v2/chat": "not mounted unless VLLM_ENABLE_COHERE_API is set",
    "/v1/audio/transcriptions": "a transcription has no reference that c_ref was measured with",
    "/v1/audio/translations": "the same",
    "/v1/realtime": "the same",
}
"""Routes that generate with the engine and give no score, each with the reason. To ask one for a
score or a selection is a 400."""

NOT_GENERATING: dict[str, set[str]] = {
    "scores text that was written elsewhere": {
        *("/v1/self_reward", "/v1/rerank", "/v2/rerank", "/rerank"),
    },
    "changes the checkpoint": {"/v1/checkpoints", "/v1/checkpoints/rollback"},
    "makes token ids of text or text of token ids": {
        *("/tokenize", "/detokenize", "/v1/messages/count_tokens"),
        *("/v1/chat/completions/render", "/v1/chat/completions/derender"),
        *("/v1/completions/render", "/v1/completions/derender"),
        *("/v1/responses/render", "/v1/messages/render", "/cohere/v2/chat/render"),
    },
    "ends a request of the caller's": {"/v1/responses/{response_id}/cancel"},
    "ends requests of others": {"/abort_requests", "/inference/v1/abort_requests"},
    "tells how the server is": {"/ping", "/is_scaling_elastic_ep"},
    "pooling models only": {
        *("/classify", "/pooling", "/score", "/v1/score"),
        *("/v1/embeddings", "/v2/embed"),
    },
    "adapters": {
        *("/v1/load_lora_adapter", "/v1/unload_lora_adapter"),
        *("/adapters", "/adapters/{adapter_name}"),
    },
    "the engine and its weights": {
        *("/pause", "/resume", "/sleep", "/wake_up", "/release_kv_cache_memory"),
        *("/reset_prefix_cache", "/reset_mm_cache", "/reset_encoder_cache"),
        *("/scale_elastic_ep", "/fault_tolerance/apply"),
        *("/init_weight_transfer_engine", "/shutdown_weight_transfer_engine"),
        *("/start_weight_update", "/start_draft_weight_update", "/finish_weight_update"),
        *("/update_weights", "/update_weight_version", "/weight_checker"),
        *("/collective_rpc", "/start_profile", "/stop_profile"),
    },
}
"""Routes that generate nothing, by what they do."""

ADMINISTRATIVE = set[str]().union(
    *(
        NOT_GENERATING[what]
        for what in (
            *("changes the checkpoint", "ends requests of others", "adapters"),
            "the engine and its weights",
        )
    )
)
"""Those that change the server for everybody."""

KNOWN = SCORED.keys() | UNSCORED.keys() | set[str]().union(*NOT_GENERATING.values())
