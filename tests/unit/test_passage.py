"""Where the embedded PostgreSQL's files are put, and that no existing directory is opened for it."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from zava.infrastructure.local.embedded import file_access
from zava.infrastructure.local.embedded.file_access import cluster_place, quotable_copy, shared_copy
from zava.infrastructure.local.embedded.server_user import EmbeddedServerError, ServerUser

ANOTHER = ServerUser("another", 54_321, 54_321)
MYSELF = ServerUser("myself", os.geteuid(), os.getegid())
# Only root can try as another user.
FOREIGN = ANOTHER if os.geteuid() == 0 else MYSELF


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory of the test's own in place of the system's."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o711)
        monkeypatch.setattr(file_access, "SHARED", Path(made) / "shared")
        yield Path(made) / "shared"


@pytest.fixture
def home() -> Iterator[Path]:
    """A home below a directory that only its owner may enter."""
    with tempfile.TemporaryDirectory() as made:
        home = Path(made) / "closed" / "home"
        home.mkdir(parents=True)
        home.parent.chmod(0o700)
        yield home


def refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no user enter a directory, whoever runs the tests."""
    monkeypatch.setattr(ServerUser, "may_enter", lambda *_: False)


def reads(user: ServerUser, path: Path) -> bool:
    ended = subprocess.run(["/bin/cat", path], check=False, capture_output=True, **user.identity)
    return ended.returncode == 0


def test_cluster_stays_in_a_home_that_its_user_can_enter(home: Path, shared: Path) -> None:
    assert cluster_place(home / "cluster", MYSELF) == home / "cluster"
    home.parent.chmod(0o711)
    home.parent.parent.chmod(0o711)
    assert cluster_place(home / "cluster", FOREIGN) == home / "cluster"
    assert not shared.exists()


def test_cluster_of_a_closed_home_is_placed_elsewhere_and_opens_nothing(
    home: Path, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() != 0:
        refuse(monkeypatch)
    modes = [path.stat().st_mode for path in (home, *home.parents)]
    place = cluster_place(home / "cluster", FOREIGN)
    assert place.is_relative_to(shared)
    assert (home / "cluster").readlink() == place
    assert FOREIGN.may_enter(place.parent) or os.geteuid() != 0
    place.mkdir()
    assert cluster_place(home / "cluster", FOREIGN) == place
    assert [path.stat().st_mode for path in (home, *home.parents)] == modes


@pytest.mark.usefixtures("shared")
def test_cluster_whose_home_was_closed_since_is_moved_with_its_data(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch)
    (home / "cluster").mkdir()
    (home / "cluster" / "data").write_text("text")
    place = cluster_place(home / "cluster", FOREIGN)
    assert (home / "cluster" / "data").read_text() == "text"
    assert (place / "data").stat().st_uid == FOREIGN.uid


@pytest.mark.usefixtures("shared")
def test_place_that_a_home_has_left_is_removed_and_another_home_s_is_kept(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch)
    (home.parent / "other").mkdir()
    other = cluster_place(home.parent / "other" / "cluster", FOREIGN)
    first = cluster_place(home / "cluster", FOREIGN)
    (home / "cluster").unlink()  # as `make clean` does
    second = cluster_place(home / "cluster", FOREIGN)
    assert (first.parent.exists(), second.parent.exists(), other.parent.exists()) == (
        *(False, True, True),
    )
    second.parent.rename(second.parent.with_name("gone"))
    assert cluster_place(home / "cluster", FOREIGN) not in {first, second}


def test_directory_of_the_system_that_cannot_be_written_is_one_sentence(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch)
    (home / "file").touch()
    monkeypatch.setattr(file_access, "SHARED", home / "file" / "shared")
    with pytest.raises(EmbeddedServerError, match=rf"cannot enter {home}.*ZAVA_HOME"):
        cluster_place(home / "cluster", FOREIGN)
    with pytest.raises(EmbeddedServerError, match=r"cannot be copied.*DATABASE_URL"):
        shared_copy(home, [home])


def test_copy_is_readable_whatever_the_modes_and_made_once_for_each_content(
    home: Path, shared: Path
) -> None:
    tree = home / "tree"
    (tree / "bin").mkdir(parents=True, mode=0o700)
    (tree / "bin" / "program").write_text("1")
    (tree / "data").write_text("1")
    (tree / "data").chmod(0o600)
    (tree / "link").symlink_to("data")
    copy = shared_copy(home, [tree])
    assert (copy / "tree" / "bin" / "program").stat().st_mode & 0o777 == 0o755
    assert (copy / "tree" / "data").stat().st_mode & 0o777 == 0o644
    (tree / "data").chmod(0o000)  # as an installation may that shares this file
    assert shared_copy(home, [tree]) == copy
    assert reads(FOREIGN, copy / "tree" / "link")
    (tree / "bin" / "program").write_text("12")
    assert shared_copy(home, [tree]) != copy
    assert {path.name for path in shared.iterdir()} == {
        copy.name,
        shared_copy(home, [tree]).name,
    }


@pytest.mark.parametrize("name", ['a "quote', "a $dollar", "a `tick", "a \\ slash"])
def test_path_that_a_shell_would_read_is_left_for_a_copy(home: Path, name: str) -> None:
    site = home / name
    (site / "tree").mkdir(parents=True)
    (site / "tree" / "file").write_text("text")
    with quotable_copy(site, [site / "tree"]) as copy:
        assert (copy / "tree" / "file").read_text() == "text"
        assert name not in str(copy)
    assert not copy.exists()
    with quotable_copy(home, [site / "tree"]) as same:
        assert same == home
