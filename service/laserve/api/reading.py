"""What a sample says, by the parsers that vLLM makes its answers with."""

from collections.abc import Sequence
from typing import Any, cast

from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest
from vllm.entrypoints.openai.chat_completion.serving import OpenAIServingChat

from laserve.answers.message import Message, ToolCall
from laserve.selecting.plan import ReadMessage, read_plainly


def chat_reader(serving: OpenAIServingChat, request: ChatCompletionRequest) -> ReadMessage:
    """Reads as `OpenAIServingChat` does: content without the reasoning, and tool calls."""

    def read(text: str, token_ids: Sequence[int], prompt_token_ids: Sequence[int]) -> Message:
        if serving.parser_cls is None:
            return read_plainly(text, token_ids, prompt_token_ids)
        template = request.build_chat_params(
            serving.chat_template, serving.chat_template_content_format
        ).with_defaults(serving.default_chat_template_kwargs)
        # One for each sample: parsers keep a state.
        parser = serving.parser_cls(
            serving.renderer.get_tokenizer(),
            cast("list[Any] | None", request.tools),
            chat_template_kwargs=template.chat_template_kwargs,
            model_config=serving.model_config,
        )
        parser.set_prompt_token_ids(list(prompt_token_ids))
        _, content, calls = parser.parse(
            text,
            request,
            enable_auto_tools=serving.enable_auto_tools,
            model_output_token_ids=token_ids,
        )
        return Message(content or "", tuple(ToolCall(c.name, c.arguments) for c in calls or ()))

    return read
