"""LangChain: a chat model that keeps the verdict, which `ChatOpenAI` drops.

    chat = ChatLaServe(base_url="http://127.0.0.1:8000/v1", api_key="none", model=model)
    print(self_reward(chat.invoke("2,6,6>2")))

One chunk of a stream has it, and so has the sum of them all.
"""

from typing import Any

from pydantic import field_validator

from laserve_client._responses import validate
from laserve_client._types import Selection, SelfReward
from laserve_client.integrations._extras import needed
from laserve_client.integrations._places import field

with needed("langchain"):
    from langchain_core.messages import BaseMessage, BaseMessageChunk
    from langchain_core.outputs import ChatGenerationChunk, ChatResult
    from langchain_openai import ChatOpenAI
    from openai import BaseModel


class ChatLaServe(ChatOpenAI):
    """`ChatOpenAI` for a LaServe server: the `response_metadata` of its answers, invoked, batched
    or streamed, has the JSON of `self_reward`, and of `selection` where one was asked for.

    Chat completions only: LangChain hands nothing on of a response of the Responses API that it
    does not know.
    """

    use_responses_api: bool | None = False

    @field_validator("use_responses_api")
    @classmethod
    def _refuse_responses(cls, value: bool | None) -> bool:
        if value:
            raise ValueError(
                "use_responses_api: the score of a response would be lost. Leave it out, or use "
                "ChatOpenAI"
            )
        return False

    def _create_chat_result(
        self,
        response: dict[str, Any] | BaseModel,
        generation_info: dict[str, Any] | None = None,
    ) -> ChatResult:
        result = super()._create_chat_result(response, generation_info)
        for generation, choice in zip(result.generations, field(response, "choices"), strict=True):
            generation.message.response_metadata |= _verdict(response, choice)
        return result

    def _convert_chunk_to_generation_chunk(
        self,
        chunk: dict[str, Any],
        default_chunk_class: type[BaseMessageChunk],
        base_generation_info: dict[str, Any] | None,
    ) -> ChatGenerationChunk | None:
        generation = super()._convert_chunk_to_generation_chunk(
            chunk, default_chunk_class, base_generation_info
        )
        body = chunk.get("chunk") or chunk  # inside of an event, with structured output
        choices = body.get("choices")
        # Chunks are added up, which a second verdict could not be.
        if generation is not None and choices and choices[0]["index"] == 0:
            generation.message.response_metadata |= _verdict(body, choices[0])
        return generation


def self_reward(message: BaseMessage) -> SelfReward | None:
    """The model's verdict on a message of `ChatLaServe`, streamed or not. None where scoring was
    turned off.

    Raises InvalidResponseError.
    """
    found = message.response_metadata.get("self_reward")
    return None if found is None else validate(SelfReward, found)


def selection(message: BaseMessage) -> Selection | None:
    """How a message of `ChatLaServe` was selected. None where no selection was asked for.

    Raises InvalidResponseError.
    """
    found = message.response_metadata.get("selection")
    return None if found is None else validate(Selection, found)


def _verdict(completion: object, choice: object) -> dict[str, Any]:
    found = {
        "self_reward": field(choice, "self_reward"),
        "selection": field(completion, "selection"),
    }
    return {name: value for name, value in found.items() if value is not None}
