"""Keeps a model's own generation settings out of what is sampled from it."""

from collections.abc import Iterator
from contextlib import contextmanager

from transformers import GenerationConfig, PreTrainedModel


@contextmanager
def without_own_settings(*models: PreTrainedModel) -> Iterator[None]:
    """Inside, `generate` takes nothing from the models' generation_config.json, which fills in
    whatever a caller leaves unset: penalties, suppressed tokens, minimal lengths."""
    own = [model.generation_config for model in models]
    for model in models:
        model.generation_config = GenerationConfig()
    try:
        yield
    finally:
        for model, settings in zip(models, own, strict=True):
            model.generation_config = settings
