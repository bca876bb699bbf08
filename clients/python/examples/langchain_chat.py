"""LangChain: `ChatOpenAI` drops fields that it does not know, `ChatLaServe` keeps LaServe's.

pip install "./clients/python[langchain]"
python langchain_chat.py --base-url http://127.0.0.1:8000 --model laserve-countdown
"""

import argparse

from pydantic import SecretStr

from laserve_client.integrations.langchain import ChatLaServe, selection, self_reward


def main() -> None:
    """Ask for the best of several samples, at once and as a stream."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base-url", default="http://127.0.0.1:8000")
    parser.add_argument("--model", default="laserve-countdown")
    parser.add_argument("--question", default="2,6,6>2")
    arguments = parser.parse_args()

    chat = ChatLaServe(
        base_url=f"{arguments.base_url}/v1",
        api_key=SecretStr("none"),
        model=arguments.model,
        seed=7,
        extra_body={"selection": {"method": "best_of_n", "n_max": 8}},
    )
    answer = chat.invoke(arguments.question)
    first, *rest = chat.stream(arguments.question)
    for message in (answer, sum(rest, start=first)):
        print(message.content)
        print("self_reward:", self_reward(message))
        print("selection:", selection(message))


if __name__ == "__main__":
    main()
