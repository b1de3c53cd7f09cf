"""Turn a GGUF file into a bf16 safetensors folder that vLLM can serve.

Runs as a process of its own (`python -m inference.dequantise MODEL.gguf FOLDER`), because it needs
several GiB for a minute and nothing afterwards should.
"""

import sys
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig


def dequantise(gguf: Path, folder: Path) -> None:
    """Write model, tokenizer and configuration of `gguf` to `folder`, in bfloat16."""
    source, name = str(gguf.parent), gguf.name
    tokenizer = AutoTokenizer.from_pretrained(source, gguf_file=name)
    model = AutoModelForCausalLM.from_pretrained(
        source,
        gguf_file=name,
        dtype=torch.bfloat16,
        quantization_config=GgufConfig(dequantize=True),
    )
    _forget_quantisation(model)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _forget_quantisation(model: Any) -> None:
    """Transformers 5 still calls a dequantised GGUF model quantised, and refuses to save it."""
    model.hf_quantizer = None
    model.is_quantized = False
    for mark in ("quantization_config", "_pre_quantization_dtype"):
        if hasattr(model.config, mark):
            delattr(model.config, mark)


if __name__ == "__main__":
    dequantise(Path(sys.argv[1]), Path(sys.argv[2]))
