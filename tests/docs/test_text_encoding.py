"""Every text of the repository is UTF-8, once: none was taken for another encoding and saved so."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pathspec import GitIgnoreSpec

ROOT = Path(__file__).parents[2]
# What a byte of UTF-8 becomes for who takes it for the encoding of Windows or for Latin-1.
_FOLLOWING = "".join({bytes([byte]).decode("cp1252", "replace") for byte in range(0x80, 0xC0)})
_FOLLOWING = f"[{re.escape(_FOLLOWING.replace(chr(0xFFFD), ''))}\x80-\xbf]"
TWICE_ENCODED = re.compile(
    f"[\xc2-\xdf]{_FOLLOWING}|[\xe0-\xef]{_FOLLOWING}{{2}}|[\xf0-\xf4]{_FOLLOWING}{{3}}"
)
IMAGES = {".png", ".ico"}


def texts() -> Iterator[Path]:
    """Yield the files that git would keep, images aside."""
    ignored = GitIgnoreSpec.from_lines((ROOT / ".gitignore").read_text("utf-8").splitlines())
    for folder, inner, names in os.walk(ROOT):
        here = Path(folder).relative_to(ROOT)
        # Not even looked into: an environment holds more files than all the rest.
        inner[:] = [name for name in inner if not ignored.match_file(f"{here / name}/")]
        inner[:] = [name for name in inner if name != ".git"]
        for name in names:
            if not ignored.match_file(here / name) and Path(name).suffix not in IMAGES:
                yield ROOT / here / name


@pytest.mark.requirement("S128")
def test_every_file_is_utf8_and_encoded_once() -> None:
    files = set(texts())
    assert {ROOT / "README.md", ROOT / "zava" / "app.py"} < files
    found = {
        f"{file.relative_to(ROOT)}: {match[0]}"
        for file in files
        for match in TWICE_ENCODED.finditer(file.read_text(encoding="utf-8"))
    }
    assert not found


@pytest.mark.requirement("S128")
@pytest.mark.parametrize("encoding", ["cp1252", "latin-1"])
@pytest.mark.parametrize(
    "written", ["für", "naïve", "5 €", "“so”", "it\u2019s \u2013 well …", "½ inch", "🙂"]
)
def test_text_that_was_encoded_twice_is_found(written: str, encoding: str) -> None:
    spoilt = written.encode().decode(encoding, "replace")
    assert TWICE_ENCODED.search(spoilt), spoilt
    assert not TWICE_ENCODED.search(written)
