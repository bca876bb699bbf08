"""LiteLLM: a choice's self_reward is among its `provider_specific_fields`.

    pip install litellm
    python litellm_completion.py --base-url http://127.0.0.1:8000 --model laserve-countdown

LITELLM_LOCAL_MODEL_COST_MAP=True keeps LiteLLM from fetching a list of prices as it is imported.
"""

import argparse
from typing import Any

import litellm


def main() -> None:
    """Ask for the best of several samples."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base-url", default="http://127.0.0.1:8000")
    parser.add_argument("--model", default="laserve-countdown")
    parser.add_argument("--question", default="2,6,6>2")
    arguments = parser.parse_args()

    answer: Any = litellm.completion(
        model=f"openai/{arguments.model}",
        api_base=f"{arguments.base_url}/v1",
        api_key="none",
        messages=[{"role": "user", "content": arguments.question}],
        seed=7,
        extra_body={"selection": {"method": "best_of_n", "n_max": 8}},
    )
    print(answer.choices[0].message.content)
    print("self_reward:", answer.choices[0].provider_specific_fields["self_reward"])
    print("selection:", answer.selection)


if __name__ == "__main__":
    main()
