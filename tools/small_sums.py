"""Write problems for ``make probe-demo``: sums that SmolLM2-135M gets right about one time in four.

    python tools/small_sums.py FILE.jsonl

Each row shows the model one sum, so that it answers in an equation, and asks for another one.
"""

import json
import sys
from pathlib import Path

SHOWN = [
    {"role": "system", "content": "Sums."},
    {"role": "user", "content": "3+4"},
    {"role": "assistant", "content": "3+4=7"},
]


def rows() -> list[dict[str, object]]:
    """Every sum and difference of a number up to 28 and one up to 9 that is not below 0, but for
    the one shown."""
    pairs = [(a, b) for a in range(1, 29) for b in range(1, 10)]
    asked = [(f"{a}+{b}", a + b) for a, b in pairs] + [
        (f"{a}-{b}", a - b) for a, b in pairs if a >= b
    ]
    return [
        {"messages": [*SHOWN, {"role": "user", "content": question}], "answer": answer}
        for question, answer in asked
        if question != "3+4"
    ]


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text("".join(json.dumps(row) + "\n" for row in rows()), encoding="utf-8")
