"""Proves isolation as the server's login can: no administrator is needed while it serves."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from zava.adoption import seal_templates as seal
from zava.adoption.declared_values import AdoptionDeclaration
from zava.adoption.proving import FIRST, SECOND, stranger_calls
from zava.data.session import sqlstate
from zava.data.session.isolation_check import Probe
from zava.data.session.signed_context import ContextSigner
from zava.model.domain import Domain

PROOF_SECONDS = 10.0
"""How old a proof may be when a call runs. The owner of a table may open it at any moment."""

_SONG = "SELECT song FROM zava.canary"
_FORGED = (
    "WITH forged AS MATERIALIZED (SELECT set_config('zava.context', repeat('0', 64)"
    f" || '{seal.CANARY_KEYS['text'][1]}', true)) {_SONG}, forged"
)
_REMEDY = "zava adopt --apply"


class ServerProof:
    """The checks that the server runs before it serves, and again every ten seconds."""

    seconds = PROOF_SECONDS

    def __init__(self, declaration: AdoptionDeclaration, domain: Domain) -> None:
        self._declaration = declaration
        self._domain = domain

    def queries(self) -> Sequence[bytes]:
        """Return what compares the catalog with the applied declaration, and that with ours."""
        checksum = seal.digest(self._declaration.text)
        return (f"SELECT * FROM zava.problems('{checksum}')".encode(),)

    def probes(self, signer: ContextSigner) -> Sequence[Probe]:
        """Return the calls of canaries and strangers, each in the runner of its audience."""
        return [*self._canaries(signer), *self._strangers(signer)]

    def _canaries(self, signer: ContextSigner) -> Iterator[Probe]:
        audience = self._domain.audiences.named(self._declaration.sealed_audiences[0].role)
        own = signer.sign(FIRST, _SONG)
        other = signer.sign(SECOND, _SONG)
        refused = sqlstate.CONTEXT_REFUSED
        for what, call, rows, state in (
            ("the first canary", own, [b'{"song":"first canary"}'], None),
            ("the second canary", other, [b'{"song":"second canary"}'], None),
            ("a forged setting", signer.sign(FIRST, _FORGED), None, sqlstate.CONTEXT_ALTERED),
            ("a forged signature", replace(own, mac=bytes(len(own.mac))), None, refused),
            ("a missing signature", replace(own, mac=b""), None, refused),
            ("a changed statement", replace(own, statement=f"{_SONG} WHERE true"), None, refused),
        ):
            yield Probe(what, call, rows, state, audience, _REMEDY)

    def _strangers(self, signer: ContextSigner) -> Iterator[Probe]:
        for audience, call in stranger_calls(self._declaration, signer):
            reader = self._domain.audiences.named(audience.role)
            yield Probe(f"the stranger of {audience.name}", call, [], None, reader, _REMEDY)
