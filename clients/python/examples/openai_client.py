"""The official openai client: LaServe's fields go into `extra_body` and come back beside OpenAI's.

pip install "./clients/python[openai]"
python openai_client.py --base-url http://127.0.0.1:8000 --model laserve-countdown
"""

import argparse
from typing import Any

from openai import OpenAI

from laserve_client.integrations.openai import selection, self_reward


def main() -> None:
    """Ask for the best of several samples, at once and as a stream."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base-url", default="http://127.0.0.1:8000")
    parser.add_argument("--model", default="laserve-countdown")
    parser.add_argument("--question", default="2,6,6>2")
    arguments = parser.parse_args()

    request: dict[str, Any] = {
        "model": arguments.model,
        "messages": [{"role": "user", "content": arguments.question}],
        "seed": 7,
        "extra_body": {"selection": {"method": "best_of_n", "n_max": 8}},
    }
    with OpenAI(base_url=f"{arguments.base_url}/v1", api_key="none") as client:
        created = client.chat.completions.create(**request)
        with client.chat.completions.stream(**request) as stream:
            streamed = stream.get_final_completion()
    for answer in (created, streamed):
        print(answer.choices[0].message.content)
        print("self_reward:", self_reward(answer.choices[0]))
        print("selection:", selection(answer))


if __name__ == "__main__":
    main()
