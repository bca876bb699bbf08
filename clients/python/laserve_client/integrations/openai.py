"""The official openai client: it keeps the verdict as a field that its types do not know.

    with client.chat.completions.stream(model=model, messages=messages) as stream:
        completion = stream.get_final_completion()
    print(self_reward(completion.choices[0]))

What is built on that client and hands its objects on, such as LlamaIndex (`response.raw`), is read
in the same way.
"""

from laserve_client._types import Selection, SelfReward
from laserve_client.integrations._extras import needed
from laserve_client.integrations._places import selection_of, self_reward_of

with needed("openai"):
    from openai.types import Completion, CompletionChoice
    from openai.types.chat import ChatCompletion, ChatCompletionChunk
    from openai.types.chat.chat_completion import Choice
    from openai.types.chat.chat_completion_chunk import Choice as ChunkChoice
    from openai.types.responses import Response


def self_reward(answer: Choice | ChunkChoice | CompletionChoice | Response) -> SelfReward | None:
    """The model's verdict on a choice, created, parsed or streamed, or on a response of the
    Responses API. None where scoring was turned off, and on chunks before the last.

    Raises InvalidResponseError.
    """
    return self_reward_of(answer)


def selection(
    completion: ChatCompletion | ChatCompletionChunk | Completion,
) -> Selection | None:
    """How the answer was selected; of a stream's final completion without the candidates. None
    where no selection was asked for, and on chunks before the last.

    Raises InvalidResponseError.
    """
    return selection_of(completion)
