"""One answer, the best of eight, and a stream that ends with its score.

python best_of_n.py --base-url http://127.0.0.1:8000
"""

import argparse

from laserve_client import Finished, LaServe


def main() -> None:
    """Ask the same question three times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base-url", default="http://127.0.0.1:8000")
    parser.add_argument("--model", help="default: the first that the server names")
    parser.add_argument("--question", default="2,6,6>2")
    arguments = parser.parse_args()

    with LaServe(arguments.base_url, arguments.model) as client:
        one = client.generate(arguments.question, seed=7)
        print("one:", one.text, "confidence", one.confidence)

        best = client.best_of_n(arguments.question, n_max=8, seed=7)
        print("best of 8:", best.text, "score", best.score, "confidence", best.confidence)

        for event in client.stream(arguments.question, seed=7):
            if isinstance(event, Finished):
                print(" score", event.answer.score)
            else:
                print(event.text, end="", flush=True)


if __name__ == "__main__":
    main()
