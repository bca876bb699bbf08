"""The kernels of top-k and top-p that are compiled before the first request."""

from types import SimpleNamespace

import pytest
import torch
from vllm.v1.sample.ops.topk_topp_sampler import apply_top_k_top_p

from laserve.worker import processor_v2, top_k_top_p
from tests.unit.worker.toy_model import ToyModel, vllm_config_for
from tests.unit.worker.v2_runner import states_of


@pytest.mark.parametrize(("max_rows", "most"), [(1, 1), (40, 40), (65, 65), (1024, 65)])
def test_each_kind_of_batch_of_each_size_is_met_and_left_as_it_is(
    max_rows: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    met = set[tuple[int, bool, bool]]()

    def watched(
        logits: torch.Tensor, k: torch.Tensor | None, p: torch.Tensor | None
    ) -> torch.Tensor:
        met.add((len(logits), k is not None, p is not None))
        filtered = apply_top_k_top_p(logits, k, p)
        assert (filtered == 0).all()
        return filtered

    monkeypatch.setattr(top_k_top_p, "apply_top_k_top_p", watched)
    top_k_top_p.compile_top_k_top_p(torch.device("cpu"), 7, max_rows)
    kinds = [(True, False), (False, True), (True, True)]
    assert met == {(rows, *kind) for rows in range(1, most + 1) for kind in kinds}


@pytest.mark.parametrize(("is_cuda", "warms_up"), [(True, True), (True, False), (False, True)])
def test_an_engine_on_cuda_compiles_them_unless_it_was_told_to_compile_nothing(
    is_cuda: bool, warms_up: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(processor_v2, "compile_top_k_top_p", lambda *args: asked.append(args))
    monkeypatch.setattr(processor_v2, "current_platform", SimpleNamespace(is_cuda=lambda: is_cuda))
    model = ToyModel(vocab_size=300)
    states = states_of(model, slots=16)
    config = vllm_config_for(model, num_speculative_tokens=3)
    monkeypatch.setattr(
        config, "kernel_config", SimpleNamespace(enable_jit_warmup=warms_up), raising=False
    )
    processor_v2.ScoreLogitsProcessor(config, states)
    assert asked == ([(torch.device("cpu"), 300, 64)] if is_cuda and warms_up else [])
