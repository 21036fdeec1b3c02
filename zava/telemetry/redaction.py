"""What logs and traces hold of exceptions and persons, instead of their own words and ids."""

from functools import lru_cache
from hashlib import sha256
from traceback import extract_tb

from zava.model.core import Caller


def described(error: BaseException) -> str:
    """Return an exception's chain as kinds and places, never its own words: those hold values."""
    parts = []
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        frames = [
            f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}"
            for frame in extract_tb(link.__traceback__)[-6:]
        ]
        state = getattr(link, "sqlstate", None)
        kind = type(link).__name__ + (f" {state}" if state else "")
        parts.append(f"{kind} at {' > '.join(frames)}" if frames else kind)
        link = link.__cause__ or link.__context__
    return " from ".join(parts)


def pseudonym(caller: Caller) -> str:
    """Return what stands for a person in logs and traces: the same for the same person."""
    return _pseudonym(caller.identity)


@lru_cache(4096)
def _pseudonym(identity: bytes) -> str:
    return sha256(identity).hexdigest()[:16]
