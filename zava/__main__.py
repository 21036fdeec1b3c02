"""`python -m zava`."""

from zava.cli import main

main()
