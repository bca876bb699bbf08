"""LiteLLM: it keeps LaServe's fields among its `provider_specific_fields`.

    pip install "./clients/python[litellm]"
    python litellm_completion.py --base-url http://127.0.0.1:8000 --model laserve-countdown

LITELLM_LOCAL_MODEL_COST_MAP=True keeps LiteLLM from fetching a list of prices as it is imported.
"""

import argparse
from typing import Any

import litellm

from laserve_client.integrations.litellm import selection, self_reward


def main() -> None:
    """Ask for the best of several samples, at once and as a stream."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base-url", default="http://127.0.0.1:8000")
    parser.add_argument("--model", default="laserve-countdown")
    parser.add_argument("--question", default="2,6,6>2")
    arguments = parser.parse_args()

    request: dict[str, Any] = {
        "model": f"openai/{arguments.model}",
        "api_base": f"{arguments.base_url}/v1",
        "api_key": "none",
        "messages": [{"role": "user", "content": arguments.question}],
        "seed": 7,
        "extra_body": {"selection": {"method": "best_of_n", "n_max": 8}},
    }
    completed = litellm.completion(**request)
    streamed = litellm.stream_chunk_builder(list(litellm.completion(**request, stream=True)))
    for answer in (completed, streamed):
        print(answer.choices[0].message.content)
        print("self_reward:", self_reward(answer.choices[0]))
        print("selection:", selection(answer))


if __name__ == "__main__":
    main()
