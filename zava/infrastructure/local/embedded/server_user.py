"""The user of the operating system that runs the embedded PostgreSQL.

PostgreSQL refuses to run as root. Where root starts it, it runs as the owner of the home, or as the
system user `zava-postgres` where root owns the home.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from zava.infrastructure.local.state_dir import StateDirectory

if TYPE_CHECKING:
    import pwd

_SYSTEM_USER = "zava-postgres"
_USER_SECONDS = 5


class EmbeddedServerError(Exception):
    """The embedded server cannot be started; the message gives the reason and what to do."""


@dataclass(frozen=True, slots=True)
class ServerUser:
    """A user, by its name and ids."""

    name: str
    uid: int
    gid: int

    @property
    def is_another(self) -> bool:
        """Whether it is another user than this process's."""
        return self.uid != os.geteuid()

    @property
    def identity(self) -> dict[str, Any]:
        """Return the arguments that make `subprocess` start a program as this user."""
        if not self.is_another:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def take(self, path: Path) -> None:
        """Become the owner of a file that this process has made."""
        if self.is_another:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def take_tree(self, tree: Path) -> None:
        """Become the owner of a directory and of all that it holds."""
        for path in (tree, *tree.rglob("*")):
            self.take(path)

    def may_enter(self, directory: Path) -> bool:
        """Whether this user can enter a directory; the system itself answers."""
        if not self.is_another:
            return True
        entered = subprocess.run(  # noqa: S603  # our own command
            ["/bin/sh", "-c", 'cd "$0"', str(directory)],
            check=False,
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            **self.identity,
        )
        return entered.returncode == 0


def server_user(home: StateDirectory) -> ServerUser:
    """Return the user that runs PostgreSQL over a home.

    Raises:
        EmbeddedServerError: this process is root's and no user can be made.
    """
    import pwd  # not on Windows, where this server is not started

    uid, gid = home.owner()
    if uid == 0:
        return _of(_system_user())
    try:
        return _of(pwd.getpwuid(uid))
    except KeyError:
        # Such as a container's root over a directory of the host: initdb needs a name.
        return ServerUser(str(uid), uid, gid) if os.geteuid() == uid else _of(_system_user())


def _of(entry: "pwd.struct_passwd") -> ServerUser:
    return ServerUser(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _system_user() -> "pwd.struct_passwd":
    """Return the system user, made when missing."""
    import pwd

    try:
        return pwd.getpwnam(_SYSTEM_USER)
    except KeyError:
        useradd = shutil.which("useradd", path="/usr/sbin:/usr/bin:/sbin:/bin")
        if useradd is None:
            raise _no_user("there is no useradd") from None
    # It fails where another first run on this machine is making the same user, which then appears.
    made = subprocess.run(  # noqa: S603  # a fixed command line
        [useradd, "--system", "--no-create-home", "--shell", "/bin/false", _SYSTEM_USER],
        check=False,
        capture_output=True,
        text=True,
    )
    look_up = Retrying(
        stop=stop_after_delay(_USER_SECONDS),
        wait=wait_fixed(0.1),
        retry=retry_if_exception_type(KeyError),
        reraise=True,
    )
    try:
        return look_up(pwd.getpwnam, _SYSTEM_USER)
    except KeyError:
        raise _no_user(made.stderr.strip()) from None


def _no_user(why: str) -> EmbeddedServerError:
    return EmbeddedServerError(
        f"PostgreSQL does not run as root and no user could be made for it ({why}); "
        "run as another user or set DATABASE_URL"
    )
