"""What a sample says, by the parsers that vLLM makes its answers with."""

from collections.abc import Sequence

from vllm.entrypoints.openai.chat_completion.protocol import ChatCompletionRequest
from vllm.entrypoints.openai.chat_completion.serving import OpenAIServingChat

from laserve.answers.message import Message, ToolCall
from laserve.selecting.plan import ReadMessage, read_plainly
from laserve.vllm_seam.serving import new_parser


def chat_reader(serving: OpenAIServingChat, request: ChatCompletionRequest) -> ReadMessage:
    """Reads as `OpenAIServingChat` does: content without the reasoning, and tool calls."""

    def read(text: str, token_ids: Sequence[int], prompt_token_ids: Sequence[int]) -> Message:
        parser = new_parser(serving, request)
        if parser is None:
            return read_plainly(text, token_ids, prompt_token_ids)
        parser.set_prompt_token_ids(list(prompt_token_ids))
        _, content, calls = parser.parse(
            text,
            request,
            enable_auto_tools=serving.enable_auto_tools,
            model_output_token_ids=token_ids,
        )
        return Message(content or "", tuple(ToolCall(c.name, c.arguments) for c in calls or ()))

    return read
