"""`python -m zava`, and the program `zava` of an installed package."""

import sys

# Before anything is loaded: an older Python would show a traceback of the first new word.
if sys.version_info < (3, 11):  # noqa: UP036  # who starts it chooses the Python
    sys.exit("zava: Python 3.11 or newer is needed; use .venv/bin/python, which `make run` makes")

try:
    from zava.cli.commands import main
except ModuleNotFoundError as error:
    sys.exit(
        f"zava: the package {error.name} is not installed for {sys.executable}; install"
        " zava[local], or in a checkout use .venv/bin/python, which `make run` makes"
    )
except KeyboardInterrupt:
    sys.exit(130)

if __name__ == "__main__":
    main()
