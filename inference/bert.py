"""Runs a small BERT sentence encoder on the CPU, with torch alone.

sentence-transformers loads any model, at the price of 220 MB and 4 seconds of imports, and pads
texts into batches. This runs the same arithmetic on one text at a time, which fits the CPU's
caches and pads nothing: on two cores it embeds three times as many passages a second.
BERT: Devlin and others, arXiv 1810.04805; sentence vectors as the mean of the pieces:
Reimers and Gurevych, arXiv 1908.10084.
"""

import json
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn.functional import gelu, layer_norm, linear

from inference.tokens import max_sequence

Vectors = NDArray[np.float32]

STEP = 32
"""Texts are padded to a multiple of this many pieces. oneDNN keeps a compiled kernel for each
shape it has seen; without steps these grow to 350 MB, one for each length of text."""


def describes(folder: Path) -> bool:
    """Say whether `folder` holds a model this module runs exactly: BERT, mean, normalised."""
    try:
        config = json.loads((folder / "config.json").read_text())
        pooling = json.loads((folder / "1_Pooling" / "config.json").read_text())
        modules = json.loads((folder / "modules.json").read_text())
    except (OSError, ValueError):
        return False
    kinds = [module["type"].rsplit(".", 1)[-1] for module in modules]
    modes = [
        name for name, value in pooling.items() if name.startswith("pooling_mode") and value is True
    ]
    return (
        config.get("model_type") == "bert"
        and config.get("hidden_act") == "gelu"
        and config.get("position_embedding_type", "absolute") == "absolute"
        and kinds == ["Transformer", "Pooling", "Normalize"]
        and modes == ["pooling_mode_mean_tokens"]
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layer:
    """One transformer layer: weights as torch wants them, query, key and value in one."""

    attention: tuple[Tensor, Tensor]
    projection: tuple[Tensor, Tensor]
    attention_norm: tuple[Tensor, Tensor]
    inner: tuple[Tensor, Tensor]
    outer: tuple[Tensor, Tensor]
    output_norm: tuple[Tensor, Tensor]


@dataclass(frozen=True, slots=True)
class _Taker:
    """Takes tensors out of a file by name, in the kind of number the encoder computes in."""

    read: Callable[[str], Tensor]
    kind: torch.dtype

    def __call__(self, name: str) -> Tensor:
        # Always a copy: otherwise the whole file stays mapped for the sake of one tensor.
        return self.read(name).to(self.kind, copy=True)

    def pair(self, *names: str) -> tuple[Tensor, Tensor]:
        """Weight and bias; of several maps side by side when there is more than one name."""
        weights = [self(f"{name}.weight") for name in names]
        biases = [self(f"{name}.bias") for name in names]
        return torch.cat(weights), torch.cat(biases)

    def places(self) -> Tensor:
        """The position vectors, with the vector of segment 0 added: all text is segment 0."""
        segment = self.read("embeddings.token_type_embeddings.weight")[0]
        return (self.read("embeddings.position_embeddings.weight") + segment).to(self.kind)

    def layer(self, prefix: str) -> _Layer:
        return _Layer(
            attention=self.pair(
                *(f"{prefix}attention.self.{name}" for name in ("query", "key", "value"))
            ),
            projection=self.pair(f"{prefix}attention.output.dense"),
            attention_norm=self.pair(f"{prefix}attention.output.LayerNorm"),
            inner=self.pair(f"{prefix}intermediate.dense"),
            outer=self.pair(f"{prefix}output.dense"),
            output_norm=self.pair(f"{prefix}output.LayerNorm"),
        )


class Encoder:
    """The model in `folder`, ready to embed. Threads may share it.

    `bfloat16` halves the arithmetic where the processor has instructions for it.
    """

    def __init__(self, folder: Path, *, threads: int, bfloat16: bool) -> None:
        config = json.loads((folder / "config.json").read_text())
        self._heads = int(config["num_attention_heads"])
        self._epsilon = float(config["layer_norm_eps"])
        self._tokenizer: Tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(max_sequence(folder))
        self._kind = torch.bfloat16 if bfloat16 else torch.float32
        # Parallel over texts: one thread a text wastes nothing on joining within a small layer.
        torch.set_num_threads(1)
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="embed")
        with safe_open(folder / "model.safetensors", framework="pt") as file:
            take = _Taker(file.get_tensor, self._kind)
            self._words = take("embeddings.word_embeddings.weight")
            self._places = take.places()
            self._norm = take.pair("embeddings.LayerNorm")
            layers = range(int(config["num_hidden_layers"]))
            self._layers = [take.layer(f"encoder.layer.{number}.") for number in layers]

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of length one, shape (len(texts), dimensions)."""
        if not texts:
            return np.zeros((0, self._words.shape[1]), dtype=np.float32)
        pieces = [encoded.ids for encoded in self._tokenizer.encode_batch_fast(list(texts))]
        if len(pieces) == 1:
            return np.stack([self._one(pieces[0])])
        return np.stack(list(self._pool.map(self._one, pieces)))

    def _one(self, pieces: Sequence[int]) -> NDArray[np.float32]:
        """Embed one text, given as word pieces."""
        length = len(pieces)
        padding = min(-length % STEP, len(self._places) - length)
        with torch.inference_mode():
            state = self._words[torch.tensor([*pieces, *[0] * padding])]
            state = self._normed(state + self._places[: length + padding], self._norm)
            unseen = torch.zeros(length + padding, dtype=self._kind)
            unseen[length:] = -math.inf
            for layer in self._layers:
                mixed = linear(state, *layer.attention)
                seen = linear(self._attend(mixed, unseen), *layer.projection)
                state = self._normed(state + seen, layer.attention_norm)
                inner = linear(gelu(linear(state, *layer.inner)), *layer.outer)
                state = self._normed(state + inner, layer.output_norm)
            # The mean is taken in 32 bits: in 16 it loses more than all the layers together.
            mean = state[:length].float().mean(dim=0)
            vector: NDArray[np.float32] = (mean / mean.norm().clamp(min=1e-12)).numpy()
            return vector

    def _attend(self, mixed: Tensor, unseen: Tensor) -> Tensor:
        """Attention of all heads, from query, key and value side by side.

        Plain matrix products: for texts this short they take three quarters of the time of torch's
        fused attention on a CPU. `unseen` is minus infinity where a piece is only padding.
        """
        rows = mixed.shape[0]
        query, key, value = mixed.view(rows, 3, self._heads, -1).permute(1, 2, 0, 3).unbind()
        scores = torch.bmm(query * (1 / math.sqrt(query.shape[-1])), key.transpose(1, 2))
        seen = torch.bmm((scores + unseen).softmax(dim=-1), value)
        return seen.transpose(0, 1).reshape(rows, -1)

    def _normed(self, state: Tensor, norm: tuple[Tensor, Tensor]) -> Tensor:
        return layer_norm(state, norm[0].shape, *norm, self._epsilon)
