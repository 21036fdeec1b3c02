"""Places the embedded PostgreSQL's files where the user that runs it can reach them.

Matters for root alone, whose server runs as another user. No existing directory is opened to that
user. Its programs are copied once to a directory of the system. A cluster whose home that user
cannot enter is placed there, too.
"""

import hashlib
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from zava.infrastructure.local.embedded.server_user import EmbeddedServerError, ServerUser

SHARED = Path("/var/lib/zava-postgres")
_HOME_OF = "home"
# initdb quotes the paths of its programs for a shell, and does not escape these.
_UNQUOTABLE = frozenset('"$`\\\n')


def cluster_place(link: Path, user: ServerUser) -> Path:
    """Return the directory of a home's cluster, whether it is there or is to be made.

    It is `link` itself, except where the server's user cannot enter the home. Then it is a
    directory below SHARED, and `link` leads to it. A cluster that is in such a home is moved.

    Raises:
        EmbeddedServerError: SHARED cannot be written.
    """
    if link.is_symlink():
        if link.resolve().parent.is_dir():
            return link.resolve()
        link.unlink()
    if user.may_enter(link.parent):
        return link
    try:
        place = _new_place(link.parent) / link.name
        if link.exists():
            _move(link, place, user)
        link.symlink_to(place)
    except OSError as error:
        raise EmbeddedServerError(
            f"PostgreSQL runs as {user.name}, which cannot enter {link.parent}; {SHARED} is not"
            f" writable ({error.strerror}); set ZAVA_HOME to a directory that every user may"
            " enter, or DATABASE_URL"
        ) from error
    return place


def shared_copy(site: Path, trees: Sequence[Path]) -> Path:
    """Return a directory that holds copies of trees of `site`, readable by every user.

    The copy is made once for each content. Neither the installation's umask nor a chmod in
    another one that shares its files has an effect on it.

    Raises:
        EmbeddedServerError: SHARED cannot be written.
    """
    copy = SHARED / f"programs-{_key(site, trees)}"
    if copy.exists():
        return copy
    try:
        _make_shared()
        with tempfile.TemporaryDirectory(dir=SHARED) as made:
            whole = Path(made) / "whole"
            _copy(site, trees, whole)
            with suppress(OSError):  # another run was faster
                whole.rename(copy)
    except OSError as error:
        raise EmbeddedServerError(
            f"PostgreSQL's programs cannot be copied to {SHARED} ({error.strerror}), where its own"
            " user reads them; run as another user than root, or set DATABASE_URL"
        ) from error
    return copy


@contextmanager
def quotable_copy(site: Path, trees: Sequence[Path]) -> Iterator[Path]:
    """Lend a directory with these trees of `site` whose path a shell's quotes can hold."""
    if not _UNQUOTABLE & set(str(site)):
        yield site
        return
    parents = [path for path in (tempfile.gettempdir(), "/tmp") if not _UNQUOTABLE & set(path)]  # noqa: S108  # a directory of its own is made in it
    with tempfile.TemporaryDirectory(dir=parents[0]) as made:
        whole = Path(made) / "whole"
        _copy(site, trees, whole)
        yield whole


def _key(site: Path, trees: Sequence[Path]) -> str:
    """Return a name for the content of an installed wheel: its files' names and sizes."""
    found = sorted(
        (str(path.relative_to(site)), path.lstat().st_size)
        for tree in trees
        for path in tree.rglob("*")
        if not path.is_dir()
    )
    return hashlib.sha256(repr(found).encode()).hexdigest()[:16]


def _copy(site: Path, trees: Sequence[Path], target: Path) -> None:
    for tree in trees:
        shutil.copytree(tree, target / tree.relative_to(site), symlinks=True)
    for path in (target, *target.rglob("*")):
        if not path.is_symlink():
            is_program = path.is_dir() or path.parent.name == "bin"
            path.chmod(0o755 if is_program else 0o644)


def _make_shared() -> None:
    SHARED.mkdir(parents=True, exist_ok=True)
    SHARED.chmod(0o755)


def _new_place(home: Path) -> Path:
    """Return a new directory for a home's cluster; those that the home has left are removed."""
    _make_shared()
    clusters = SHARED / "clusters"
    clusters.mkdir(exist_ok=True)
    clusters.chmod(0o711)
    for left in clusters.glob(f"*/{_HOME_OF}"):
        with suppress(OSError):
            if left.read_text(encoding="utf-8") == str(home) and not _is_linked(left.parent, home):
                shutil.rmtree(left.parent)
    place = clusters / secrets.token_hex(8)
    place.mkdir()
    place.chmod(0o711)
    (place / _HOME_OF).write_text(str(home), encoding="utf-8")
    return place


def _is_linked(place: Path, home: Path) -> bool:
    return any(path.is_symlink() and path.readlink().parent == place for path in home.iterdir())


def _move(cluster: Path, place: Path, user: ServerUser) -> None:
    try:
        cluster.rename(place)
    except OSError:  # another file system
        shutil.copytree(cluster, place, symlinks=True)
        shutil.rmtree(cluster)
    user.take_tree(place)
