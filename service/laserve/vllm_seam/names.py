"""What LaServe relies upon of vLLM that is private, or documented nowhere.

`RELIED_UPON` says of each such name where vLLM has it and what it is, `OF_UVICORN` the same of the
HTTP server that it runs on, `FOLLOWED` which function's body LaServe's own follows or works around.
tests/contract compares them with the sources of every vLLM release that LaServe supports, and of
the installed uvicorn. Where a release differs: see what that means for the file that is named here,
mend it, and change the entry.

An entry of `RELIED_UPON` is under a module, or under a `module:Class` as LaServe has it in hand,
and says, without types:

    def (self, request)           a function, with its parameters
    = 1024                        a constant
    class (Worker)                a class, with its bases
    a field                       of a dataclass, a model or a struct
    set in __init__               an attribute of each object
    BaseServing: ...              the same, inherited from this class
"""

_ENTRYPOINTS = "vllm.entrypoints"
_CHAT = f"{_ENTRYPOINTS}.openai.chat_completion"
_COMPLETION = f"{_ENTRYPOINTS}.openai.completion"
_RESPONSES = f"{_ENTRYPOINTS}.openai.responses"
_ANTHROPIC = f"{_ENTRYPOINTS}.anthropic"
_SERVE = f"{_ENTRYPOINTS}.serve"
_LAUNCHERS = f"{_ENTRYPOINTS}.launchers"
_RELOAD = "vllm.model_executor.model_loader.reload"
_V2 = "vllm.v1.worker.gpu.sample"

_READ_OF_A_REQUEST = {
    "_maybe_get_adapters": "BaseServing: def (self, request, supports_default_mm_loras=False)",
    "_get_priority": "GenerateBaseServing: @staticmethod def (request, raw_request)",
    "_get_trace_headers": "BaseServing: async def (self, headers)",
    "_base_request_id": "BaseServing: @staticmethod def (raw_request, default=None)",
    "models": "BaseServing: set in __init__",
    "model_config": "BaseServing: set in __init__",
    "engine_client": "GenerateBaseServing: set in __init__",
}

RELIED_UPON: dict[str, dict[str, str]] = {
    # vllm_seam/serving.py, api/given/prompt.py, api/generating/reading.py, api/routes.py
    f"{_ENTRYPOINTS}.generate.base.serving:GenerateBaseServing": {
        "engine_client": "set in __init__"
    },
    f"{_CHAT}.serving:OpenAIServingChat": {
        **_READ_OF_A_REQUEST,
        "create_chat_completion": "async def (self, request, raw_request=None)",
        "render_chat_request": "async def (self, request)",
        "parser_cls": "set in __init__",
        "renderer": "GenerateBaseServing: set in __init__",
        "enable_auto_tools": "set in __init__",
        "_make_parser": "def (self, request, tokenizer, chat_template_kwargs)",
        "_effective_chat_template_kwargs": "def (self, request)",
    },
    f"{_CHAT}.batch_serving:OpenAIServingChatBatch": {
        "create_batch_chat_completion": "async def (self, request, raw_request=None)",
        "engine_client": "GenerateBaseServing: set in __init__",
    },
    f"{_COMPLETION}.serving:OpenAIServingCompletion": {
        **_READ_OF_A_REQUEST,
        "create_completion": "async def (self, request, raw_request=None)",
        "render_completion_request": "async def (self, request)",
    },
    f"{_RESPONSES}.serving:OpenAIServingResponses": {
        "create_responses": "async def (self, request, raw_request=None)",
        "responses_background_stream_generator": "async def (self, response_id, "
        "starting_after=None)",
        **dict.fromkeys(("background_tasks", "response_store", "event_store"), "set in __init__"),
        "engine_client": "GenerateBaseServing: set in __init__",
    },
    f"{_ANTHROPIC}.serving:AnthropicServingMessages": {
        "create_messages": "async def (self, request, raw_request=None)",
        "engine_client": "GenerateBaseServing: set in __init__",
    },
    f"{_ENTRYPOINTS}.openai.models.serving:OpenAIServingModels": {
        "engine_client": "set in __init__",
        "model_name": "def (self, lora_request=None)",
        "show_available_models": "async def (self)",
    },
    "vllm.parser.abstract_parser:Parser": {
        "set_prompt_token_ids": "def (self, prompt_token_ids)",
        "parse": "def (self, model_output, request, enable_auto_tools=False, "
        "model_output_token_ids=())",
    },
    # api/wire/routing.py, api/wire/errors.py, api/routes.py, api/generating/answers.py,
    # api/generating/schemas.py
    f"{_CHAT}.api_router": {
        "chat": "def (request)",
        "batch_chat": "def (request)",
        "ENDPOINT_LOAD_METRICS_FORMAT_HEADER_LABEL": "= 'endpoint-load-metrics-format'",
    },
    f"{_COMPLETION}.api_router": {"completion": "def (request)"},
    f"{_RESPONSES}.api_router": {"responses": "def (request)"},
    f"{_RESPONSES}.utils": {"should_continue_final_message": "def (request_input)"},
    f"{_ANTHROPIC}.api_router": {"messages": "def (request)"},
    f"{_SERVE}.utils.api_utils": {
        "with_cancellation": "def (handler_func)",
        "load_aware_call": "def (func)",
        "validate_json_request": "async def (raw_request)",
    },
    f"{_SERVE}.utils.orca_metrics": {"metrics_header": "def (metrics_format)"},
    f"{_SERVE}.utils.sse_keep_alive": {"with_sse_keep_alive": "def (generator, interval)"},
    f"{_SERVE}.exception_handling.error_response": {
        "create_error_response": "def (message, err_type='BadRequestError', "
        "status_code=HTTPStatus.BAD_REQUEST, param=None)"
    },
    f"{_SERVE}.exception_handling.handlers.validation": {"clean_loc_for_param": "def (loc)"},
    "vllm.exceptions:VLLMValidationError": {"parameter": "set in __init__"},
    f"{_SERVE}.engine.protocol:ErrorResponse": {"error": "a field"},
    f"{_SERVE}.engine.protocol:ErrorInfo": dict.fromkeys(
        ("message", "type", "param", "code"), "a field"
    ),
    f"{_SERVE}.engine.protocol:OpenAIBaseModel": {"field_names": "a field"},
    f"{_CHAT}.protocol:ChatCompletionResponseStreamChoice": {"finish_reason": "a field"},
    f"{_COMPLETION}.protocol:CompletionResponseStreamChoice": {"finish_reason": "a field"},
    # vllm_seam/server.py, app.py, launch/serve.py
    f"{_LAUNCHERS}.api_server.entry": {
        "run_server_worker": "async def (listen_address, sock, args, client_config=None, "
        "**uvicorn_kwargs)"
    },
    f"{_LAUNCHERS}.launcher": {"setup_server": "def (args, *, reuse_port)"},
    # worker/lifeline.py
    "vllm.v1.engine.coordinator:DPCoordinatorProc": {
        "run_coordinator": "@staticmethod def (engine_count, front_publish_address, "
        "back_output_address, back_publish_address, zmq_addr_pipe=None, "
        "min_stats_update_interval_ms=100, enable_wave_coordination=True, logging_config=None)"
    },
    "vllm.utils.system_utils": {
        "decorate_logs": "def (process_name=None, *, skip_if_decorated=False)"
    },
    f"{_ENTRYPOINTS}.cli.serve:ServeSubcommand": {
        "cmd": "@staticmethod def (args)",
        "validate": "def (self, args)",
        "subparser_init": "def (self, subparsers)",
    },
    # vllm_seam/engine.py, hot_load/load.py, hot_load/engines.py
    "vllm.engine.protocol:EngineClient": {
        "collective_rpc": "async def (self, method, timeout=None, args=(), kwargs=None)",
        "pause_generation": "async def (self, *, mode='abort', clear_cache=True)",
        "resume_generation": "async def (self)",
        "reset_prefix_cache": "async def (self, reset_running_requests=False, "
        "reset_connector=False)",
        "add_lora": "async def (self, lora_request)",
        "is_paused": "async def (self)",
    },
    "vllm.v1.engine.async_llm:AsyncLLM": {
        "output_handler": "set in __init__",
        "engine_core": "set in __init__",
        "logger_manager": "set in __init__",
        "output_processor": "set in __init__",
        "remove_lora": "async def (self, lora_id)",
        "from_engine_args": "@classmethod def (cls, engine_args, start_engine_loop=True, "
        "usage_context=UsageContext.ENGINE_CONTEXT, stat_loggers=None)",
    },
    "vllm.v1.engine.core_client:AsyncMPClient": {
        "shutdown": "MPClient: def (self, timeout=None)",
        "resources": "MPClient: set in __init__",
        "call_utility_all_async": "async def (self, method, *args)",
    },
    "vllm.v1.engine.core_client:BackgroundResources": dict.fromkeys(
        ("engine_manager", "ctx"), "a field"
    ),
    "vllm.v1.engine.utils:CoreEngineProcManager": {"processes": "set in __init__"},
    "vllm.v1.engine.output_processor:OutputProcessor": {"propagate_error": "def (self, e)"},
    "vllm.v1.metrics.loggers:StatLoggerManager": {"stat_loggers": "set in __init__"},
    "vllm.v1.metrics.loggers:PrometheusStatLogger": {
        "record": "def (self, scheduler_stats, iteration_stats, mm_cache_stats=None, engine_idx=0)",
        "record_sleep_state": "def (self, sleep=0, level=0)",
        "record_admission_rejection": "def (self, reason)",
        "log_engine_initialized": "def (self)",
    },
    # scoring/detokenize.py
    "vllm.v1.engine.detokenizer:IncrementalDetokenizer": {
        "from_new_request": "@classmethod def (cls, tokenizer, request)",
        "update": "def (self, new_token_ids, stop_terminated)",
        "get_next_output_text": "def (self, finished, delta)",
    },
    "vllm.v1.engine:EngineCoreRequest": dict.fromkeys(
        (
            *("request_id", "prompt_token_ids", "mm_features", "sampling_params"),
            *("pooling_params", "arrival_time", "lora_request", "cache_salt"),
            "data_parallel_rank",
        ),
        "a field",
    ),
    # scoring/arming.py, selecting/select.py
    "vllm.sampling_params:SamplingParams": {
        "_all_stop_token_ids": "a field",
        "all_stop_token_ids": "@property def (self)",
    },
    "vllm.config:VllmConfig": {
        "use_v2_model_runner": "@property def (self)",
        "num_speculative_tokens": "@property def (self)",
        "aux_output_config": "a field",
        "kernel_config": "a field",
    },
    "vllm.config:KernelConfig": {"enable_jit_warmup": "a field"},
    "vllm.config:ModelConfig": {
        "return_sampling_mask": "a field",
        "is_diffusion": "@cached_property def (self)",
        "try_get_generation_config": "def (self)",
    },
    # scoring/outputs.py, scoring/post_hoc.py
    "vllm.outputs:CompletionOutput": {"weight_versions": "a field", "finished": "def (self)"},
    "vllm.inputs.engine:TokensInput": {"type": "a field", "prompt_token_ids": "a field"},
    "vllm.inputs.engine:MultiModalInput": {"type": "a field", "prompt_token_ids": "a field"},
    # scoring/admission.py
    "vllm.v1.serial_utils:MsgpackEncoder": {"encode": "def (self, obj)"},
    f"{_V2}.logit_bias": {
        "MAX_NUM_ALLOWED_TOKEN_IDS": "= 1024",
        "MAX_NUM_LOGIT_BIAS_TOKENS": "= 1024",
        "MAX_NUM_STOP_TOKEN_IDS": "= 128",
    },
    # scoring/scored_engine.py, api/given/tokens.py
    "vllm.renderers:BaseRenderer": {
        "tokenizer": "set in __init__",
        "get_tokenizer": "def (self)",
        "get_eos_token_id": "def (self)",
        "tokenize_prompt_async": "async def (self, prompt, params)",
    },
    # worker/scheduler.py
    "vllm.v1.core.sched.scheduler:Scheduler": {
        "structured_output_manager": "set in __init__",
        "vllm_config": "set in __init__",
        "_update_request_with_output": "def (self, request, new_token_ids, is_stale=False)",
    },
    "vllm.v1.core.sched.async_scheduler:AsyncScheduler": {
        "structured_output_manager": "Scheduler: set in __init__"
    },
    "vllm.v1.structured_output:StructuredOutputManager": {
        "accept_tokens": "def (self, request, new_token_ids)"
    },
    "vllm.v1.request:Request": {
        "num_output_tokens": "@property def (self)",
        "max_tokens": "set in __init__",
        "sampling_params": "set in __init__",
    },
    # worker/cpu_worker.py
    "vllm.v1.worker.cpu_worker": {"CPUWorker": "class (Worker)"},
    "vllm.v1.worker.cpu_worker:CPUWorker": {
        "init_device": "def (self)",
        "model_runner": "set in init_device",
        "use_v2_model_runner": "Worker: set in __init__",
        "vllm_config": "WorkerBase: set in __init__",
    },
    "vllm.v1.worker.cpu_model_runner:CPUModelRunner": {
        "__init__": "def (self, vllm_config, device)",
        "_sample": "GPUModelRunner: def (self, logits, spec_decode_metadata)",
        "_bookkeeping_sync": "GPUModelRunner: def (self, scheduler_output, sampler_output, logits, "
        "hidden_states, num_scheduled_tokens)",
        "discard_request_mask": "GPUModelRunner: set in __init__",
        "input_batch": "GPUModelRunner: set in __init__",
    },
    "vllm.v1.worker.gpu_input_batch:InputBatch": {
        "generators": "set in __init__",
        "num_reqs": "@property def (self)",
    },
    # worker/reload.py
    "vllm.v1.worker.gpu_worker:Worker": {
        "reload_weights": "def (self, *args, **kwargs)",
        "model_runner": "set in _init_workspace_and_model_runner",
        "vllm_config": "WorkerBase: set in __init__",
    },
    "vllm.v1.worker.gpu_model_runner:GPUModelRunner": {
        "get_model": "def (self)",
        "kv_caches": "set in __init__",
        "reload_weights": "def (self, weights_iterator=None, weights_path=None, "
        "is_checkpoint_format=True)",
    },
    "vllm.v1.worker.gpu.model_runner:GPUModelRunner": {
        "get_model": "def (self)",
        "kv_caches": "set in initialize_kv_cache",
    },
    f"{_RELOAD}.layerwise": {
        "get_layerwise_info": "def (layer)",
        "finalize_layerwise_reload": "def (*args, **kwargs)",
        "finalize_layerwise_processing": "def (model, model_config)",
    },
    f"{_RELOAD}.types:LayerReloadingInfo": {"loaded_weights": "a field", "load_numel": "a field"},
    "vllm.model_executor.layers.vocab_parallel_embedding:UnquantizedEmbeddingMethod": {
        "process_weights_after_loading": "def (self, layer)"
    },
    # worker/score_row.py
    "vllm.model_executor.layers.vocab_parallel_embedding:VocabParallelEmbedding": {
        "shard_indices": "set in __init__",
        "quant_method": "set in __init__",
    },
    "vllm.model_executor.layers.vocab_parallel_embedding:VocabParallelEmbeddingShardIndices": {
        "org_vocab_start_index": "a field",
        "org_vocab_end_index": "a field",
    },
    # worker/processor_v1.py
    "vllm.v1.sample.logits_processor:LogitsProcessor": {
        "__init__": "def (self, vllm_config, device, is_pin_memory)",
        "is_argmax_invariant": "def (self)",
        "update_state": "def (self, batch_update)",
        "apply": "def (self, logits)",
    },
    "vllm.v1.sample.logits_processor.builtin": {
        "process_dict_updates": "def (req_entries, batch_update, new_state)"
    },
    # worker/processor_v2.py, worker/score_kernel.py
    f"{_V2}.logits_processor:LogitsProcessor": {
        "__init__": "def (self, vllm_config, req_states)",
        "add_request": "def (self, req_idx, sampling_params)",
        "apply_staged_writes": "def (self)",
        "apply": "def (self, logits, ctx)",
    },
    f"{_V2}.logits_processor:LogitsContext": dict.fromkeys(
        ("idx_mapping_np", "expanded_idx_mapping", "expanded_local_pos", "input_ids", "pos"),
        "a field",
    ),
    f"{_V2}.logits_processor:LogitsProcRequestState": dict.fromkeys(
        ("device", "max_num_reqs", "vocab_size", "all_token_ids", "prompt_len", "total_len"),
        "a field",
    ),
    "vllm.v1.worker.gpu.buffer_utils:StagedWriteTensor": {"gpu": "set in __init__"},
    "vllm.v1.worker.gpu.buffer_utils:UvaBackedTensor": {
        "__init__": "def (self, size, dtype, max_concurrency=None)",
        "np": "set in __init__",
        "gpu": "set in __init__",
        "copy_to_uva": "def (self, n=None)",
    },
    "vllm.utils.math_utils": {"next_power_of_2": "def (n)"},
}

_HTTP = "uvicorn.protocols.http"

OF_UVICORN: dict[str, dict[str, str]] = {
    # app.py: how a stop closes the connections; api/middleware/connections.py: which of them are
    # half open
    "uvicorn.server:Server": dict.fromkeys(
        ("config", "should_exit", "server_state"), "set in __init__"
    ),
    "uvicorn.server:ServerState": {"connections": "set in __init__"},
    "uvicorn.config:Config": {"timeout_graceful_shutdown": "set in __init__"},
    **{
        f"{_HTTP}.{protocol}": dict.fromkeys(
            ("cycle", "transport", "timeout_keep_alive_task"), "set in __init__"
        )
        for protocol in ("h11_impl:H11Protocol", "httptools_impl:HttpToolsProtocol")
    },
    f"{_HTTP}.h11_impl:RequestResponseCycle": {"response_complete": "set in __init__"},
    f"{_HTTP}.httptools_impl:RequestResponseCycle": {"response_complete": "set in __init__"},
}
"""The same of vLLM's HTTP server, compared with the one that is installed."""

FOLLOWED: dict[str, dict[str, str]] = {
    # api/routes.py and api/generating/answers.py: the routes that ours take the place of
    f"{_CHAT}.api_router": {
        "create_chat_completion": "c027ff2b7456",
        "create_batch_chat_completion": "baca02608163",
    },
    f"{_COMPLETION}.api_router": {"create_completion": "739ac06f4dde"},
    f"{_RESPONSES}.api_router": {
        "create_responses": "463e5c6d8ea2",
        "_convert_stream_to_sse_events": "e7237760a68f",
    },
    f"{_ANTHROPIC}.api_router": {"create_messages": "519fae20cc3b"},
    # api/routes.py: SageMaker's route; api/middleware/stack.py: where CORS stands
    f"{_SERVE}.sagemaker.api_router": {"_attach_router": "9a138c5481e6"},
    f"{_SERVE}.middleware.register": {"init_entrypoints_middleware": "e832e006c5d8"},
    # vllm_seam/server.py: what it replaces, and what calls it
    f"{_ENTRYPOINTS}.cli.serve:ServeSubcommand": {"cmd": "4f2325e9e9d4"},
    f"{_LAUNCHERS}.api_server.entry": {"run_server": "8ed81610ca15"},
    # app.py, serving/stop.py: which signal handlers are replaced, and how the server ends
    f"{_LAUNCHERS}.launcher": {"serve_http": "a1f117a21957"},
    # app.py: routes that are registered later take the place of the earlier ones
    "vllm.plugins.endpoint_plugins.interface": {"attach_endpoint_plugins": "e42333996391"},
    # vllm_seam/engine.py: a part of it
    "vllm.v1.engine.async_llm:AsyncLLM": {"shutdown": "8f516cc8b7ad"},
    # hot_load/engines.py: no logger of its own beside one of this class
    "vllm.v1.metrics.loggers:StatLoggerManager": {"__init__": "dc5ff73935e3"},
    # core/eos.py: which EOS ids end a generation
    "vllm.sampling_params:SamplingParams": {"update_from_generation_config": "0db4d7f077f4"},
    # scoring/detokenize.py: how a detokenizer is made
    "vllm.v1.engine.output_processor:RequestState": {"from_new_request": "371a6fd95e6c"},
    # worker/scheduler.py: where a request ends that has reached its token limit
    "vllm.v1.core.sched.utils": {"check_stop": "9fb70c693781"},
    # worker/grammar_budget.py: the grammar's work that is timed
    "vllm.v1.structured_output:StructuredOutputManager": {"accept_tokens": "1856f77d4f93"},
    # worker/cpu_worker.py: the runner that ours replaces, the generator that it keeps away
    "vllm.v1.worker.cpu_worker:CPUWorker": {"init_device": "2110470a5b01"},
    "vllm.v1.worker.gpu_model_runner:GPUModelRunner": {
        "_sample": "bf7163007960",
        "_bookkeeping_sync": "b2efe8b38a8b",
        # worker/reload.py: what goes wrong with these
        "reload_weights": "1e779cc68228",
    },
    f"{_RELOAD}.layerwise": {
        "initialize_layerwise_reload": "5f1f472fd3cb",
        "finalize_layerwise_processing": "1c85a22f8a63",
        "_layerwise_process": "5f70fbb4e21a",
    },
}
"""A digest of each function's body, as `tools.vllm_names` makes it: any change is to be read."""
