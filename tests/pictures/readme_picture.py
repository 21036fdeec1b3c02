"""Takes the pictures of the docs: the console as the regional manager sees it, the sign-in page.

python -m tests.pictures.readme_picture
"""

from datetime import date

from tests.outside.node import NODE, run
from tests.pictures.serving import HERE, chromium
from tests.support.products.forked import ROOT
from tests.support.products.laptop import Laptop, free_port
from tests.support.servers.homes import open_directory

PICTURES = (ROOT / "docs" / "console.png", ROOT / "docs" / "sign-in.png")
MAX_BYTES = 300_000
_DAY = date(2026, 11, 24)  # the data of one day are the same on every machine
_SCALE = 0.25


class Studio(Laptop):
    """A laptop with enough data for lines without gaps."""

    def variables(self) -> dict[str, str]:
        return super().variables() | {"SCALE": str(_SCALE), "ZAVA_TODAY": _DAY.isoformat()}


def main() -> None:
    with open_directory() as directory:
        studio = Studio(directory / "home", free_port())
        studio.start()
        try:
            script = str(HERE / "picture.mjs")
            done = run(str(NODE), script, chromium(), studio.base_url, *map(str, PICTURES))
        finally:
            studio.stop()
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    for picture in PICTURES:
        size = picture.stat().st_size
        if size > MAX_BYTES:
            raise SystemExit(f"{picture} has {size:,} bytes, more than {MAX_BYTES:,}")
        print(f"{picture.relative_to(ROOT)}: {size:,} bytes")


if __name__ == "__main__":
    main()
