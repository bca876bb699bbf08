"""What each checkpoint must answer: its log p(z_c), by Hugging Face."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import torch

from laserve.core.manifest import read_manifest
from laserve.core.score import ScoreParameters
from laserve.reference.load import load_model

TOLERANCE = 1e-3
"""Nats: two implementations in float32 differ by 0.0005 (docs/measurements.md, fidelity)."""
BATCH = 32

Tokens = tuple[int, ...]
"""A prompt and its completion with its EOS."""


class References:
    """Checkpoints by the names that their manifests give them; values are computed once."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self._parameters: dict[str, ScoreParameters] = {}
        self._models = {}
        for folder in folders:
            manifest = read_manifest(folder)
            assert manifest is not None
            self._parameters[manifest.checkpoint] = manifest.parameters()
            self._models[manifest.checkpoint] = load_model(str(folder), "float32").eval()
        self._known: dict[tuple[str, Tokens], float] = {}

    def __len__(self) -> int:
        """How many values have been computed."""
        return len(self._known)

    def compute(self, wanted: Iterable[tuple[str, Tokens]]) -> None:
        """Compute what is not known yet, in batches; names that do not exist are left out."""
        missing = sorted(
            {pair for pair in wanted if pair[0] in self._models} - self._known.keys(),
            key=lambda pair: (pair[0], len(pair[1])),
        )
        for name, batch in _batches(missing):
            parameters, model = self._parameters[name], self._models[name]
            # Padding at the right is seen by no position that is read.
            width = max(map(len, batch))
            ids = torch.tensor([[*tokens, *[0] * (width - len(tokens))] for tokens in batch])
            ends = torch.tensor([len(tokens) - 1 for tokens in batch])
            with torch.inference_mode():
                hidden = model.base_model(input_ids=ids, use_cache=False).last_hidden_state
                logits = model.get_output_embeddings()(hidden[torch.arange(len(batch)), ends])
                values = logits.float().log_softmax(-1)[:, parameters.z_c]
            for tokens, value in zip(batch, values.tolist(), strict=True):
                self._known[name, tokens] = value

    def logprob(self, checkpoint: str, tokens: Iterable[int]) -> float:
        """log p(z_c) in nats after these tokens. Raises KeyError for a checkpoint not known."""
        key = checkpoint, tuple(tokens)
        self.compute([key])
        return self._known[key]

    def defect(self, reward: dict[str, object], tokens: Iterable[int]) -> str | None:
        """What is wrong with a self-reward that says "scored"; None where nothing is."""
        name, logprob, score = (reward[key] for key in ("checkpoint", "logprob", "score"))
        if not isinstance(name, str) or name not in self._parameters:
            return f"an answer names a checkpoint that was never loaded: {name!r}"
        expected = self.logprob(name, tokens)
        if not isinstance(logprob, float) or abs(logprob - expected) > TOLERANCE:
            return f"log p(z_c) = {logprob} is not {name}'s, which is {expected:.4f}"
        expected = self._parameters[name].score(logprob)
        if not isinstance(score, float) or abs(score - expected) > 1e-6:
            return f"a score of {score} is not what {name}'s constants make of it: {expected}"
        return None


def _batches(pairs: list[tuple[str, Tokens]]) -> Iterator[tuple[str, list[Tokens]]]:
    """At most BATCH sequences of one checkpoint at a time."""
    for name in sorted({name for name, _ in pairs}):
        own = [tokens for other, tokens in pairs if other == name]
        for start in range(0, len(own), BATCH):
            yield name, own[start : start + BATCH]
