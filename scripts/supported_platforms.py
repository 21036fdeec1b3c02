"""Ends an installation with one sentence where a package has no wheel for this machine.

`make` runs this file by its path, with the Python that it was given. Older ones can read it, too.
`tests/docs/test_platforms.py` compares it with the wheels of the locked packages.
"""

import platform
import sys

OLDEST_PYTHON, FIRST_UNKNOWN_PYTHON = (3, 11), (3, 15)
LINUX_MACHINES = ("x86_64", "aarch64")
OLDEST_GLIBC = (2, 28)
OLDEST_MACOS = 14


def obstacle(  # noqa: PLR0911  # one for each kind of machine
    system: str,
    machine: str,
    python: "tuple[int, ...]",
    implementation: str,
    libc: "tuple[str, str]",
    macos: int,
) -> "str | None":
    """Return why the packages cannot be installed and what to do, or None."""
    if implementation != "CPython" or not OLDEST_PYTHON <= python < FIRST_UNKNOWN_PYTHON:
        return (
            f"this is {implementation} {python[0]}.{python[1]}, and its packages have wheels for"
            " CPython 3.11 to 3.14; name one: make PYTHON=python3.12"
        )
    if system == "Darwin":
        if machine != "arm64":
            return (
                "some of its packages have no wheels for Intel Macs; use Linux, in a container too"
            )
        if macos < OLDEST_MACOS:
            return f"some of its packages have no wheels for macOS {macos}; update to 14"
        return None
    if system != "Linux":
        return f"some of its packages have no wheels for {system}; use WSL 2 or Linux"
    if machine not in LINUX_MACHINES:
        return f"some of its packages have no wheels for Linux on {machine}"
    if libc[0] != "glibc":
        return (
            "some of its packages have no wheels for musl, the C library of Alpine Linux;"
            " use a distribution with glibc, such as Debian"
        )
    if tuple(int(part) for part in libc[1].split(".")[:2]) < OLDEST_GLIBC:
        return f"its packages need glibc 2.28 or newer, and this system has {libc[1]}"
    return None


def main() -> None:
    """Exit with the obstacle of this machine, if there is one."""
    macos = platform.mac_ver()[0].partition(".")[0]
    found = obstacle(
        platform.system(),
        platform.machine(),
        sys.version_info[:2],
        platform.python_implementation(),
        platform.libc_ver(),
        int(macos or 0),
    )
    if found is None:
        try:
            import ensurepip  # noqa: F401  # whether it can be imported
            import venv  # noqa: F401  # whether it can be imported
        except ImportError:
            found = "this Python has no venv; install it, on Debian by apt-get install python3-venv"
    if found is not None:
        sys.exit("Zava does not run here: " + found + ".")


if __name__ == "__main__":
    main()
