"""The port of the local server."""

import errno
import socket

from zava.settings import SettingsError

_REASONS = {
    errno.EACCES: "{port} may be opened by root alone; set PORT to one above 1023",
    errno.EADDRNOTAVAIL: (
        "this machine has no address {host}, where the server listens; add it, such as by"
        " `sudo ip addr add {host}/8 dev lo`, or set HOST to another"
    ),
}
_TAKEN = "{port} is taken; stop what listens there or set PORT to another"


def listen(port: int, host: str = "127.0.0.1") -> socket.socket:
    """Take the port of an address before any work is done.

    Raises:
        SettingsError: the system refuses it; the message gives the reason and what to do.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        reason = _REASONS.get(error.errno or 0, _TAKEN).format(port=port, host=host)
        raise SettingsError(f"PORT: {reason}") from error
    return listener
