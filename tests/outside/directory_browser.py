"""The browser of a person with a session at the directory: it goes where it is sent.

python directory_browser.py URL
"""

import sys
from urllib.request import urlopen

_TIMEOUT_SECONDS = 30

if __name__ == "__main__":
    urlopen(sys.argv[1], timeout=_TIMEOUT_SECONDS).close()  # noqa: S310  # of the tests' directory
