"""Arguments of a chat template that come with a checkpoint, such as `enable_thinking`."""

from typing import Annotated

from pydantic import AfterValidator, JsonValue

_RENDERINGS_OWN = frozenset(
    {
        *("chat_template", "conversation", "messages", "tools", "documents", "tokenizer"),
        *("add_generation_prompt", "continue_final_message", "tokenize", "padding", "truncation"),
        *("max_length", "return_tensors", "return_dict", "return_assistant_tokens_mask"),
        "tokenizer_kwargs",
    }
)
"""What `apply_chat_template` of transformers, or the server, gives a meaning of its own."""


def _variables_only(arguments: dict[str, JsonValue]) -> dict[str, JsonValue]:
    if taken := _RENDERINGS_OWN.intersection(arguments):
        raise ValueError(f"{', '.join(sorted(taken))} is no variable of a template: leave it out")
    return arguments


TemplateArguments = Annotated[dict[str, JsonValue], AfterValidator(_variables_only)]
"""By the names of the template's variables."""
