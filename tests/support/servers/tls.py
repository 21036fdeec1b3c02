"""A certificate authority of the tests, and TLS in front of a PostgreSQL that was built without."""

import select
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.support.suite.patience import patient

_SSL_REQUEST = bytes.fromhex("0000000804d2162f")


class Authority:
    """Signs certificates for servers; `roots` is the file that those who trust it are given."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._key = generate_private_key(SECP256R1())
        self._name = x509.Name(
            [x509.NameAttribute(NameOID.COMMON_NAME, f"authority {token_hex(8)}")]
        )
        self.roots = directory / "roots.pem"
        constraints = x509.BasicConstraints(ca=True, path_length=0)
        self.roots.write_bytes(self._sign(self._name, self._key, constraints))

    def certificate(self, host: str, *, days: float = 1 / 24) -> tuple[Path, Path]:
        """Return the files of a certificate for this host name, and of its key."""
        key = generate_private_key(SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
        certificate, private = self._directory / "server.crt", self._directory / "server.key"
        certificate.write_bytes(
            self._sign(subject, key, x509.SubjectAlternativeName([x509.DNSName(host)]), days)
        )
        private.write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        )
        private.chmod(0o600)
        return certificate, private

    def _sign(
        self,
        subject: x509.Name,
        key: EllipticCurvePrivateKey,
        extension: x509.ExtensionType,
        days: float = 1 / 24,
    ) -> bytes:
        now = datetime.now(UTC)
        built = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(days=days))
            .add_extension(extension, critical=False)
        )
        return built.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)


@contextmanager
def tls_in_front(target: str, authority: Authority, host: str = "localhost") -> Iterator[str]:
    """Lend a connection string whose server speaks TLS as PostgreSQL does and passes all on.

    On threads of its own, so that callers may block; a thread ends with its client.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.certificate(host))
    parts = conninfo_to_dict(target)
    address = str(parts["host"]), int(str(parts["port"]))
    threads: list[threading.Thread] = []

    def serve(client: socket.socket) -> None:
        # An OSError: who does not trust the certificate leaves during the handshake.
        with client, suppress(OSError):
            if client.recv(len(_SSL_REQUEST)) != _SSL_REQUEST:
                return  # nobody enters in the clear
            client.sendall(b"S")
            with (
                context.wrap_socket(client, server_side=True) as inside,
                socket.create_connection(address) as upstream,
            ):
                _pass_on(inside, upstream)

    def accept(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threads.append(threading.Thread(target=serve, args=(client,)))
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        accepting = threading.Thread(target=accept, args=(listener,))
        accepting.start()
        yield make_conninfo(target, host=host, port=listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
    for thread in (accepting, *threads):
        thread.join(timeout=patient(10))


def _pass_on(inside: ssl.SSLSocket, upstream: socket.socket) -> None:
    while True:
        readable = [inside] if inside.pending() else select.select([inside, upstream], [], [])[0]
        for one in readable:
            data = one.recv(65536)
            if not data:
                return
            (upstream if one is inside else inside).sendall(data)
