"""Answers of any OpenAI-compatible server, reranked by LaServe.

    python rerank_other_server.py --base-url http://127.0.0.1:8000 \
        --other-base-url http://127.0.0.1:8001/v1 --other-model MODEL
"""

import argparse
import os

from laserve_client import LaServe


def main() -> None:
    """Draw eight answers there, and print them here, best first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base-url", default="http://127.0.0.1:8000")
    parser.add_argument("--model", help="default: the first that the server names")
    parser.add_argument("--other-base-url", help="default: the same server")
    parser.add_argument("--other-model", help="default: the first that the other server names")
    parser.add_argument("--question", default="2,6,6>2")
    arguments = parser.parse_args()

    other_url = arguments.other_base_url or arguments.base_url
    other_key = os.environ.get("OPENAI_API_KEY")
    with (
        LaServe(arguments.base_url, arguments.model) as client,
        LaServe(other_url, arguments.other_model, other_key) as other,
    ):
        for ranked in client.rerank_from(other, arguments.question, n=8, seed=7):
            print(ranked.relevance_score, ranked.text)


if __name__ == "__main__":
    main()
