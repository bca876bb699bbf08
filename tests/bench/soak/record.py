"""The record of a soak: a file from which it can be gone on with."""

import json
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from tests.bench.soak.figures import Figure


@dataclass
class Record:
    """All that was seen so far, over all runs."""

    outcomes: Counter[str] = field(default_factory=Counter)
    """Of requests."""
    disturbances: Counter[str] = field(default_factory=Counter)
    defects: Counter[str] = field(default_factory=Counter)
    runs: list[dict[str, Any]] = field(default_factory=list)
    """Each with its machine, its figures over time, and those at rest."""

    @property
    def done(self) -> int:
        """Requests that are accounted for: the next one's number."""
        return self.outcomes.total()

    @classmethod
    def read(cls, path: Path) -> Self:
        """What a former run has left; an empty one where there was none."""
        if not path.exists():
            return cls()
        content = json.loads(path.read_text())
        counters = {
            name: Counter(content[name]) for name in ("outcomes", "disturbances", "defects")
        }
        return cls(**counters, runs=content["runs"])

    def write(self, path: Path) -> None:
        """In one step: readers see all of it or none."""
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".new")
        temporary.write_text(json.dumps(vars(self), indent=1, default=_as_json) + "\n")
        temporary.replace(path)


def _as_json(value: object) -> object:
    if isinstance(value, Figure):
        return asdict(value)
    raise TypeError(type(value).__name__)
