"""Where the tests keep their clusters."""

import shutil
from pathlib import Path

import psutil

from tests.support.servers.homes import in_memory, open_directory


def test_clusters_are_in_memory_only_where_it_has_room(tmp_path: Path) -> None:
    free = min(shutil.disk_usage(tmp_path).free, psutil.virtual_memory().available)
    assert in_memory(tmp_path, 0) == tmp_path
    assert in_memory(tmp_path, 2 * free) is None
    assert in_memory(tmp_path / "missing", 0) is None


def test_directory_may_be_entered_by_every_user_and_is_removed() -> None:
    with open_directory() as directory:
        assert directory.stat().st_mode & 0o777 == 0o711
        (directory / "home").mkdir()
    assert not directory.exists()
