"""One user passes through a closed directory; everybody else finds it as closed as before."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from zava.infrastructure.passage import Closed, is_open_to_all, let_through, opened_copy

ALLOWED, OTHER, GROUP = 54_321, 54_322, 54_323


@pytest.fixture
def home() -> Iterator[Path]:
    """A directory with a file, below two that only their owner may enter."""
    with tempfile.TemporaryDirectory() as made:
        home = Path(made) / "closed" / "home"
        home.mkdir(parents=True, mode=0o700)
        home.parent.chmod(0o700)
        (home / "file").write_text("text")
        (home / "file").chmod(0o644)
        yield home


def reads(uid: int, path: Path, group: int = OTHER) -> bool:
    """Whether a user reads a file; only root can try as another one."""
    ended = subprocess.run(
        ["/bin/cat", path], check=False, capture_output=True, user=uid, group=group, extra_groups=[]
    )
    return ended.returncode == 0


def test_one_user_passes_and_no_mode_opens(home: Path) -> None:
    let_through(home, ALLOWED)
    for path in (home, home.parent, home.parent.parent):
        assert path.stat().st_mode & 0o007 == 0
    before = os.getxattr(home, "system.posix_acl_access")
    let_through(home, ALLOWED)
    assert os.getxattr(home, "system.posix_acl_access") == before
    if os.geteuid() == 0:
        assert reads(ALLOWED, home / "file")
        assert not reads(OTHER, home / "file")
        listed = subprocess.run(["/bin/ls", home], check=False, capture_output=True, user=ALLOWED)
        assert listed.returncode != 0


def test_what_a_later_chmod_closed_to_a_group_stays_closed(home: Path) -> None:
    home.parent.chmod(0o770)
    let_through(home, ALLOWED)
    home.parent.chmod(0o700)  # the group's own entry stays, masked
    let_through(home, ALLOWED)
    if os.geteuid() == 0:
        os.chown(home.parent, 0, GROUP)
        assert reads(ALLOWED, home / "file")
        assert not reads(OTHER, home / "file", group=GROUP)
    assert home.parent.stat().st_mode & 0o060 == 0


def test_directory_that_all_may_pass_is_left_alone(home: Path) -> None:
    for path in (home, home.parent, home.parent.parent):
        path.chmod(0o711)
    let_through(home, ALLOWED)
    with pytest.raises(OSError, match="No data"):
        os.getxattr(home, "system.posix_acl_access")


def test_file_system_without_access_lists_is_one_sentence(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("os.setxattr", refuse)
    with pytest.raises(Closed, match=rf"{home}.*ZAVA_HOME.*DATABASE_URL"):
        let_through(home, ALLOWED)
    assert home.stat().st_mode & 0o777 == 0o700


def test_copy_is_readable_whatever_the_umask_was_and_renewed_when_the_original_changed(
    home: Path,
) -> None:
    tree, target = home / "tree", home / "copies" / "tree"
    (tree / "bin").mkdir(parents=True, mode=0o700)
    (tree / "bin" / "program").write_text("1")
    (tree / "bin" / "program").chmod(0o700)
    (tree / "data").write_text("1")
    (tree / "data").chmod(0o600)
    assert not is_open_to_all(tree)
    assert opened_copy(tree, target) == target
    assert (target / "bin").stat().st_mode & 0o777 == 0o755
    assert (target / "bin" / "program").stat().st_mode & 0o777 == 0o755
    assert (target / "data").stat().st_mode & 0o777 == 0o644
    (target / "kept").touch()
    opened_copy(tree, target)
    assert (target / "kept").exists()
    os.utime(tree / "data", ns=(0, 2**62))
    opened_copy(tree, target)
    assert not (target / "kept").exists()


def test_tree_is_open_when_every_file_of_it_is() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as made:  # all may pass through it
        Path(made).chmod(0o755)
        (Path(made) / "file").touch(0o644)
        (Path(made) / "file").chmod(0o644)
        assert is_open_to_all(Path(made))
        (Path(made) / "file").chmod(0o600)
        assert not is_open_to_all(Path(made))
