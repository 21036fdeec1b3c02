"""Where the locked packages can be installed from wheels, as `uv` resolves them; `make lock`.

Asks the registry, so the answer is kept beside the tests, with the pins that it rests on.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "docs" / "golden" / "platforms.json"
LOCK = ROOT / "requirements-dev.txt"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
# As uv names them; macOS by the version that is installed for.
PLATFORMS = {
    "Linux x86_64 glibc": ("x86_64-manylinux_2_28", ""),
    "Linux aarch64 glibc": ("aarch64-manylinux_2_28", ""),
    "Linux x86_64 older glibc": ("x86_64-manylinux_2_17", ""),
    "Linux x86_64 musl": ("x86_64-unknown-linux-musl", ""),
    "Darwin arm64 14": ("aarch64-apple-darwin", "14.0"),
    "Darwin arm64 13": ("aarch64-apple-darwin", "13.0"),
    "Darwin x86_64 14": ("x86_64-apple-darwin", "14.0"),
    "Windows AMD64": ("x86_64-pc-windows-msvc", ""),
}


def pins() -> dict[str, list[str]]:
    """The locked versions of each package."""
    found: dict[str, list[str]] = {}
    for name, version in re.findall(
        r"^([\w.-]+)==([^\s;\\]+)", LOCK.read_text(encoding="utf-8"), re.MULTILINE
    ):
        found.setdefault(name, []).append(version)
    return found


def missing_wheel(platform: str, python: str, macos: str) -> str | None:
    """The package that has no wheel for a platform, None where each has one."""
    uv = Path(sys.executable).with_name("uv")
    with tempfile.TemporaryDirectory() as target:
        asked = subprocess.run(
            [
                *(uv, "pip", "install", "--dry-run", "--only-binary", ":all:", "--no-deps"),
                *("--python-platform", platform, "--python-version", python),
                *("--target", target, "-r", LOCK),
            ],
            # The rest is the registry that this machine installs from.
            env=os.environ | {"MACOSX_DEPLOYMENT_TARGET": macos or "14.0"},  # noqa: TID251  # for uv
            capture_output=True,
            text=True,
            check=False,
        )
    if asked.returncode == 0:
        return None
    found = re.search(r"Because ([\w.-]+)[^ =]*.*?==", asked.stderr)
    if found is None:
        raise SystemExit(asked.stderr)
    return found[1]


def main() -> None:
    answers = {
        name: {python: missing_wheel(platform, python, macos) for python in PYTHONS}
        for name, (platform, macos) in PLATFORMS.items()
    }
    decisive = {package for each in answers.values() for package in each.values() if package}
    kept = {name: versions for name, versions in pins().items() if name in decisive}
    GOLDEN.write_text(
        json.dumps({"missing": answers, "pins": kept}, indent=2) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
