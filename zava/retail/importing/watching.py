"""Finds the files of a directory that are complete and were not loaded yet."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psycopg
from psycopg.types.json import Jsonb

from zava.retail.importing.files.reading import fingerprint
from zava.retail.importing.layout import ImportRefused
from zava.retail.importing.mapping import Load, Mapping
from zava.retail.importing.sales_loading import SALES
from zava.retail.importing.staging import list_files

_State = tuple[int, int, int]
_IS_LOADED = """
SELECT EXISTS (SELECT FROM zava.import_runs
               WHERE state = 'done' AND source_system = %s AND files @> %s)
"""


class WatchedDirectory:
    """A directory into which another program writes files.

    What was loaded is known by its content's hash, from the record that the import itself commits.
    So a file is loaded once, also if the process ended in between.
    """

    def __init__(self, directory: Path, mapping: Mapping) -> None:
        """Watch `directory` for files that `mapping` reads.

        Raises:
            ImportRefused: there is no such directory.
        """
        if not directory.is_dir():
            raise ImportRefused(f"--watch: {directory} is no directory")
        self._directory = directory
        self._mapping = mapping
        self._before: dict[Path, _State] = {}
        # Each content is hashed once, because a directory may keep the files of years.
        self._hashes: dict[tuple[Path, _State], str] = {}
        self._settled: dict[Path, _State] = {}

    def complete(self) -> list[Path]:
        """Return the files to load if no file has changed since the look before, oldest first."""
        found: dict[Path, _State] = {}
        for file in list_files(self._directory, self._mapping):
            with suppress(FileNotFoundError):  # removed meanwhile
                # A link out of the directory would load, or return as rejects, what its writer
                # may not read.
                if file.resolve(strict=True).parent == self._directory.resolve():
                    found[file] = _state(file)
        is_steady = found == self._before
        self._before = found
        if not is_steady:
            return []
        waiting = [file for file, state in found.items() if self._settled.get(file) != state]
        return sorted(waiting, key=lambda file: (found[file][1], file.name))

    def next_run(self, connection: psycopg.Connection, waiting: Sequence[Path]) -> list[Path]:
        """Return which of the files that wait are loaded together next; none if all were loaded.

        Of files that fill the same table the oldest one goes first, because a later one may
        correct it. `connection` is an administrator's.
        """
        new = [file for file in waiting if not self._is_loaded(connection, file)]
        chosen: list[Path] = []
        for load in self._mapping.loads:
            chosen += [file for file in new if load.reads(file.name)][:1]
        if any(self._is_sale(file) for file in chosen):
            # A file that is written in place may hold the lines of the new orders, or the orders
            # of the new lines, and be as it was.
            chosen += [file for file in self._before if self._is_replaced_sale(file, chosen)]
        return list(dict.fromkeys(chosen))

    def settle(self, files: Sequence[Path]) -> None:
        """Leave these files alone until their content changes: they are loaded, or refused."""
        self._settled |= {file: self._before[file] for file in files if file in self._before}

    def _is_loaded(self, connection: psycopg.Connection, file: Path) -> bool:
        place = file, self._before[file]
        try:
            self._hashes[place] = self._hashes.get(place) or fingerprint(file).sha256
        except (ImportRefused, OSError):  # empty, or gone: the import reports it
            return False
        content = Jsonb([{"sha256": self._hashes[place]}])
        with connection.transaction():
            connection.execute("SET LOCAL ROLE zava_loader")
            row = connection.execute(_IS_LOADED, [self._mapping.source, content]).fetchone()
        if row != (True,):
            return False
        self.settle([file])
        return True

    def _is_sale(self, file: Path) -> bool:
        return any(load.layout in SALES for load in self._loads(file))

    def _is_replaced_sale(self, file: Path, chosen: Sequence[Path]) -> bool:
        return any(
            load.layout in SALES
            and file.name.lower() in map(str.lower, load.files)
            and not any(load.reads(other.name) for other in chosen)
            for load in self._loads(file)
        )

    def _loads(self, file: Path) -> list[Load]:
        return [load for load in self._mapping.loads if load.reads(file.name)]


def _state(file: Path) -> _State:
    found = file.stat()
    # The last one moves with the permissions, too.
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns
