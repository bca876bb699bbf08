"""A model's parameters in a worker, compared with the tensors of a checkpoint's files.

What an engine does to a tensor on its way is undone as far as it can be told: a parameter may be
several tensors one after the other (`packed_modules_mapping`), have rows beyond the vocabulary, or
be another one's (tied embeddings). Where a layer computes with a packed copy of its weight, as on a
CPU, it is given vectors of signs, and must give what the file's tensor gives for them.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

VECTORS = 4
"""Vectors of signs that a packed weight is multiplied with."""
PRODUCT_TOLERANCES = {torch.float32: 1e-4, torch.float16: 1e-2, torch.bfloat16: 5e-2}
"""Largest difference of a product with a vector of signs, over the norm of the weight's row, which
is the product's own size. Rounding it to its type is 2^-24, 2^-11 and 2^-8 of some four times
that."""
CHUNK_ELEMENTS = 1 << 24
"""Of a tensor that are read at a time."""


@dataclass(slots=True)
class Compared:
    """Names of parameters, by what comparing them gave."""

    equal: list[str] = field(default_factory=list)
    """Equal to the file's tensors, element by element."""
    computed: list[str] = field(default_factory=list)
    """And used in a packed form that multiplies as they do, or only that."""
    different: list[str] = field(default_factory=list)
    uncovered: list[str] = field(default_factory=list)
    """There is nothing that could be compared with them."""


class _Files:
    """The tensors of a checkpoint folder, of each some rows at a time."""

    def __init__(self, folder: Path) -> None:
        self._files: dict[str, Any] = {}
        for path in sorted(folder.glob("*.safetensors")):
            file: Any = safe_open(path, framework="pt")
            self._files |= dict.fromkeys(file.keys(), file)

    def __contains__(self, names: list[str]) -> bool:
        return self._files.keys() >= set(names)

    def shape(self, names: list[str]) -> tuple[int, ...]:
        """Of these tensors one after the other."""
        shapes = [self._files[name].get_slice(name).get_shape() for name in names]
        first = shapes[0]
        if any(shape[1:] != first[1:] for shape in shapes) or not first:
            return tuple(first)
        return (sum(shape[0] for shape in shapes), *first[1:])

    def chunks(self, names: list[str]) -> Iterator[tuple[int, torch.Tensor]]:
        """Their rows in order, each chunk with the number of its first row."""
        begin = 0
        for name in names:
            part = self._files[name].get_slice(name)
            rows, *columns = part.get_shape()
            step = max(1, CHUNK_ELEMENTS // max(1, torch.Size(columns).numel()))
            for row in range(0, rows, step):
                yield begin + row, part[row : row + step]
            begin += rows


def compare_weights(
    model: torch.nn.Module, folder: Path, names: Collection[str] | None, *, sharded: bool
) -> Compared:
    """Compare the parameters of these names, or all of them, with the files of a checkpoint.

    `sharded`: whether a layer may have a part of its tensor only.
    """
    files, compared = _Files(folder), Compared()
    first_names: dict[int, str] = {}
    for name, owner, parameter in _parameters(model):
        first_name = first_names.setdefault(id(parameter), name)
        if names is not None and name not in names:
            continue
        tensors = _tensor_names(model, name)
        if tensors not in files:
            tensors = _tensor_names(model, first_name)  # it is tied
        shape = files.shape(tensors) if tensors in files else None
        packed = _is_packed(owner, parameter) and not sharded and shape is not None
        if shape is None or not (_holds(parameter, shape) or (packed and len(shape) == 2)):
            compared.uncovered.append(name)
            continue
        # Of a packed one vLLM keeps the weight itself only where something else needs it.
        same = not parameter.numel() or _is_equal(parameter, tensors, files)
        if same and packed:
            same = _multiplies_alike(owner, parameter, tensors, shape, files)
        alike = compared.computed if packed else compared.equal
        (alike if same else compared.different).append(name)
    return compared


def _parameters(model: torch.nn.Module) -> Iterator[tuple[str, torch.nn.Module, torch.Tensor]]:
    """Name in the checkpoint's way, the module that has it, and the parameter."""
    for prefix, module in model.named_modules():
        for name, parameter in module.named_parameters(prefix, recurse=False):
            # vLLM puts layers that take adapters into wrappers.
            yield name.replace(".base_layer.", "."), module, parameter


def _tensor_names(model: torch.nn.Module, name: str) -> list[str]:
    """The tensors that a parameter is made of, in their order."""
    module, _, leaf = name.rpartition(".")
    parent, _, own = module.rpartition(".")
    parts: dict[str, list[str]] = getattr(model, "packed_modules_mapping", None) or {}
    return [f"{parent}.{part}.{leaf}" for part in parts[own]] if own in parts else [name]


def _is_packed(owner: torch.nn.Module, parameter: torch.Tensor) -> bool:
    """Whether vLLM's CPU backend computes with a copy of this weight in another form."""
    return hasattr(owner, "cpu_linear") and parameter is getattr(owner, "weight", None)


def _holds(parameter: torch.Tensor, shape: tuple[int, ...]) -> bool:
    """Whether the parameter has the tensor's shape, but for rows that pad a vocabulary."""
    return (
        parameter.is_floating_point()
        and 0 < parameter.ndim == len(shape)
        and parameter.shape[1:] == shape[1:]
        and parameter.shape[0] >= shape[0]
    )


def _is_equal(parameter: torch.Tensor, tensors: list[str], files: _Files) -> bool:
    for row, chunk in files.chunks(tensors):
        held = parameter.data[row : row + chunk.shape[0]]
        if not torch.equal(held, chunk.to(device=held.device, dtype=held.dtype)):
            return False
    return True


def _multiplies_alike(
    owner: torch.nn.Module,
    parameter: torch.Tensor,
    tensors: list[str],
    shape: tuple[int, ...],
    files: _Files,
) -> bool:
    generator = torch.Generator().manual_seed(0)
    signs = torch.randint(2, (VECTORS, shape[1]), generator=generator) * 2 - 1
    method: Any = owner.quant_method
    with torch.inference_mode():
        found = method.apply(owner, signs.to(parameter.dtype), None).double()
        for row, chunk in files.chunks(tensors):
            weight = chunk.to(parameter.dtype).double()
            products = found[:, row : row + chunk.shape[0]]
            allowed = PRODUCT_TOLERANCES[parameter.dtype] * weight.norm(dim=1)
            # Not `>`: what is no number is no more than anything.
            if not bool(((products - signs.double() @ weight.T).abs() <= allowed).all()):
                return False
    return True
