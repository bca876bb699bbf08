"""LangChain: it drops fields that it does not know, and keeps the headers, where the score is too.

pip install langchain-openai
python langchain_chat.py --base-url http://127.0.0.1:8000 --model laserve-countdown
"""

import argparse

from langchain_openai import ChatOpenAI
from pydantic import SecretStr


def main() -> None:
    """Ask for the best of several samples."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base-url", default="http://127.0.0.1:8000")
    parser.add_argument("--model", default="laserve-countdown")
    parser.add_argument("--question", default="2,6,6>2")
    arguments = parser.parse_args()

    chat = ChatOpenAI(
        base_url=f"{arguments.base_url}/v1",
        api_key=SecretStr("none"),
        model=arguments.model,
        seed=7,
        include_response_headers=True,
        extra_body={"selection": {"method": "best_of_n", "n_max": 8}},
    )
    answer = chat.invoke(arguments.question)
    headers = answer.response_metadata["headers"]
    print(answer.content)
    for name in ("score", "confidence", "status", "checkpoint"):
        # A header is left out where its value is null.
        print(f"{name}:", headers.get(f"x-laserve-{name}"))


if __name__ == "__main__":
    main()
