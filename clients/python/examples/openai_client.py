"""The official openai client: LaServe's fields go into `extra_body` and come back beside OpenAI's.

python openai_client.py --base-url http://127.0.0.1:8000 --model laserve-countdown
"""

import argparse
from typing import Any

from openai import OpenAI


def main() -> None:
    """Ask for the best of several samples."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base-url", default="http://127.0.0.1:8000")
    parser.add_argument("--model", default="laserve-countdown")
    parser.add_argument("--question", default="2,6,6>2")
    arguments = parser.parse_args()

    with OpenAI(base_url=f"{arguments.base_url}/v1", api_key="none") as client:
        answer: Any = client.chat.completions.create(
            model=arguments.model,
            messages=[{"role": "user", "content": arguments.question}],
            seed=7,
            extra_body={"selection": {"method": "best_of_n", "n_max": 8}},
        )
    print(answer.choices[0].message.content)
    print("self_reward:", answer.choices[0].self_reward)
    print("selection:", answer.selection)


if __name__ == "__main__":
    main()
