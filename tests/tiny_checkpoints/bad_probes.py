"""Bad golden probes."""

from collections.abc import Callable
from typing import Any

from tests.tiny_checkpoints.change import as_schema_1, set_keys
from tests.tiny_checkpoints.mutation import Mutation, invalid, stated


def _many_probes(content: dict[str, Any]) -> None:
    as_schema_1(content)
    content["golden_probes"] *= 8000


def _long_probes(content: dict[str, Any]) -> None:
    as_schema_1(content)
    content["golden_probes"] = [
        {**content["golden_probes"][0], "prompt_token_ids": [1] * 2000} for _ in range(60)
    ]


def _probe(**values: object) -> Callable[[dict[str, Any]], object]:
    return lambda content: content["golden_probes"][1].update(values)


PROBES: dict[str, Mutation] = {
    "no probes": stated(set_keys(golden_probes=[]), "golden_probes is empty"),
    "probe beyond the vocabulary": stated(
        lambda content: content["golden_probes"][1]["prompt_token_ids"].__setitem__(0, 384),
        "golden_probes.1 has the token 384",
    ),
    "probe beyond the context": stated(
        _probe(prompt_token_ids=[1] * 2048), "golden_probes.1 has 2.* tokens.*context 2048"
    ),
    "24,000 probes": invalid(_many_probes, "`golden_probes`: .*at most 64 items"),
    "probes that take minutes": invalid(_long_probes, "golden_probes take .* tokens to replay"),
    "probe without a score": invalid(_probe(score=None), "golden_probes.1.score must be stated"),
    "probe without rows": invalid(_probe(rows=[]), "golden_probes.1.rows and dtype must be"),
    "probe whose rows are no sketches": invalid(
        lambda content: content["golden_probes"][1]["rows"][0].update(sketch="AAA="),
        "golden_probes.1.rows.0.sketch`: has 2 bytes",
    ),
    "row beyond the probe": invalid(
        lambda content: content["golden_probes"][1]["rows"][0].update(position=10_000),
        "golden_probes.1.rows.0.position is beyond",
    ),
    "rows of another vocabulary": stated(
        lambda content: content["golden_probes"][1]["rows"][0].update(vocab_size=512),
        "golden_probes.1 has a distribution over 512 tokens, the vocabulary has 384",
    ),
}
