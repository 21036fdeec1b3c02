"""Commands that administer access: grant, revoke, list-access, explain-access."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import psycopg
import typer

from zava.cli.adopt import adopted_access
from zava.cli.terminal import Requester, administered, console, nearest, operator
from zava.infrastructure.local.database import LocalDatabase, named_database
from zava.infrastructure.local.embedded.cluster import is_in
from zava.infrastructure.local.state_dir import StateDirectory
from zava.infrastructure.postgres import access_explanation, access_grants
from zava.infrastructure.postgres.access_grants import GrantRefused, Principal
from zava.infrastructure.postgres.readers import Reader, readers_of_every_store, shows_peers
from zava.model.core import Caller, caller_of_subject
from zava.retail.declaration import RETAIL
from zava.retail.demo.principals import demo_callers
from zava.settings import Settings, SettingsError, settings

_Who = Annotated[str, typer.Option("--as", help="The principal's name, as list-access shows it.")]
_Tenant = Annotated[
    UUID | None, typer.Option("--tenant", help="The directory's id (the token's `tid`).")
]
_Object = Annotated[
    UUID | None,
    typer.Option("--object", help="Id of the person or service principal (the token's `oid`)."),
]
_UTC = "UTC, such as 2026-09-30 or 2026-09-30T18:00:00."


def grant(
    name: _Who,
    audience: Annotated[
        str,
        typer.Option(
            help="store_managers, regional_managers or head_office; or one of the declaration."
        ),
    ],
    *,
    store: Annotated[
        list[str] | None,
        typer.Option(
            "--store", "--of", help="A store's name, or a tenant's label; repeat for several."
        ),
    ] = None,
    tenant: _Tenant = None,
    object_id: _Object = None,
    issuer: Annotated[
        str | None,
        typer.Option(help="Issuer of an OpenID provider, in place of --tenant and --object."),
    ] = None,
    subject: Annotated[
        str | None, typer.Option(help="The person's id there (the ID token's `sub`).")
    ] = None,
    application: Annotated[
        bool, typer.Option("--application", help="An application, not a person.")
    ] = False,
    personal_data: Annotated[
        bool,
        typer.Option("--personal-data", help="Also names, e-mail and phone of customers."),
    ] = False,
    valid_from: Annotated[datetime | None, typer.Option("--from", help=_UTC)] = None,
    valid_until: Annotated[datetime | None, typer.Option("--until", help=_UTC)] = None,
    by: Requester = None,
) -> None:
    """Give a person or application access, in place of an earlier grant."""
    if (tenant or object_id) and (issuer or subject):
        raise GrantRefused("--issuer and --subject: not together with --tenant and --object")
    if settings().declaration:
        adopted_access.grant_access(
            name,
            audience,
            store or (),
            _ids(tenant, object_id) or _of_issuer(issuer, subject),
            is_application=application,
            since=valid_from,
            until=valid_until,
        )
        return
    with administered() as database, database.administration() as connection:
        granted = access_grants.grant(
            connection,
            RETAIL,
            caller=_ids(tenant, object_id)
            or _of_issuer(issuer, subject)
            or _known(access_grants.list_access(connection, RETAIL), name),
            display_name=name,
            audience=audience,
            stores=store or (),
            kind="application" if application else "person",
            valid_from=valid_from and valid_from.replace(tzinfo=UTC),
            valid_until=valid_until and valid_until.replace(tzinfo=UTC),
            issuer=issuer,
            subject=subject,
            reads_personal=personal_data,
            actor=by or operator(),
        )
    console.print(f"Granted: {_line(granted)}")


def revoke(
    name: _Who, tenant: _Tenant = None, object_id: _Object = None, by: Requester = None
) -> None:
    """End the access of a principal; it holds at the next call."""
    if settings().declaration:
        adopted_access.revoke_access(_ids(tenant, object_id) or name)
        return
    with administered() as database, database.administration() as connection:
        revoked = access_grants.revoke(
            connection, RETAIL, _ids(tenant, object_id) or name, actor=by or operator()
        )
    console.print(f"Revoked: {_line(revoked)}")


def list_access() -> None:
    """List everybody who was ever granted access."""
    if settings().declaration:
        adopted_access.show_access()
        return
    with administered() as database, database.administration() as connection:
        listed = access_grants.list_access(connection, RETAIL)
    for principal in listed:
        console.print(_line(principal), highlight=False)


def explain_access(name: _Who, tenant: _Tenant = None, object_id: _Object = None) -> None:
    """Show why a person sees what they see: validity, role, stores, columns, policies, changes.

    The database roles that read every store's rows without a grant come last.
    """
    with administered() as database, database.administration() as connection:
        explained = access_explanation.explain_access(
            connection, RETAIL, _ids(tenant, object_id) or name
        )
    principal = explained.principal
    lines = [
        _line(principal),
        f"ids: tenant {principal.caller.tenant_id}, object {principal.caller.object_id}",
        f"role: {principal.role}, inside the runner zava.run_{principal.role}",
    ]
    for relation in explained.relations:
        hidden = f", not {', '.join(relation.hidden)}" if relation.hidden else ""
        rows = (
            f"rows by {'; '.join(relation.policies) or 'no policy: none'}"
            if relation.is_tenant
            else "the same rows for everybody"
        )
        lines.append(f"{relation.relation}: {len(relation.columns)} columns{hidden}; {rows}")
    lines += [
        f"{change.changed_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z by {change.changed_by}: "
        f"{change.old or 'nothing'} -> {change.new or 'nothing'}"
        for change in explained.changes
    ]
    for line in [*lines, *_reader_lines(explained.readers)]:
        console.print(line, highlight=False, markup=False)


def show_readers(database: LocalDatabase) -> None:
    """Print who reads every store's rows by design: beside the proof, to be looked at."""
    with database.administration() as connection:
        lines = _reader_lines(readers_of_every_store(connection))
        if shows_peers(connection):
            lines.append(
                "PostgreSQL's functions about locks and counters are open to every login: only the"
                " guard keeps them from callers. A superuser closes them with"
                " sql/superuser/hide_peers.sql."
            )
    for line in lines:
        console.print(line, highlight=False, markup=False)


def _reader_lines(readers: Sequence[Reader]) -> list[str]:
    return [
        "Also able to read every store's rows:",
        *(f"  {reader.role}: {reader.why}" for reader in readers),
    ]


def _ids(tenant: UUID | None, object_id: UUID | None) -> Caller | None:
    if (tenant is None) != (object_id is None):
        raise GrantRefused("--tenant and --object: give both, or neither")
    return Caller(tenant, object_id) if tenant and object_id else None


def known_caller(chosen: Settings, name: str) -> Caller:
    """Return the ids of a person of the demo, or of a principal granted in a local database.

    Case, and blanks for hyphens, make no difference.

    Raises:
        SettingsError: the name is unknown; the message offers the nearest ones.
    """
    if chosen.declaration:
        return adopted_access.adopted_caller(chosen, name)
    meant = _plain(name)
    callers = {_plain(known): caller for known, caller in demo_callers().items()}
    is_there = bool(named_database(chosen)) or is_in(StateDirectory(chosen.home).path)
    if meant not in callers and is_there:
        granted: list[Principal] = []
        with (
            suppress(psycopg.errors.InsufficientPrivilege),  # the app's own login reads no grants
            administered() as database,
            database.administration() as connection,
        ):
            granted = access_grants.list_access(connection, RETAIL)
        callers |= {_plain(each.display_name): each.caller for each in granted}
    if meant not in callers:
        raise SettingsError(
            f"--as: {name} is not known here{nearest(meant, callers)};"
            f" expected one of {', '.join(callers)}"
        )
    return callers[meant]


def _plain(name: str) -> str:
    return RETAIL.short_name(name).replace(" ", "-").replace("_", "-")


def _of_issuer(issuer: str | None, subject: str | None) -> Caller | None:
    if (not issuer) != (not subject):
        raise GrantRefused("--issuer and --subject: give both, or neither")
    return caller_of_subject(issuer, subject) if issuer and subject else None


def _known(listed: list[Principal], name: str) -> Caller:
    """Return whom a name means: a principal of before, or a person of the demo."""
    if any(principal.display_name == name for principal in listed):
        return access_grants.find(listed, name).caller
    if name in demo_callers():
        return demo_callers()[name]
    raise GrantRefused(f"--as: {name} is not known here; give --tenant and --object")


def _line(principal: Principal) -> str:
    bounds = [
        f"{word} {moment.astimezone(UTC):%Y-%m-%d %H:%M}Z"
        for word, moment in (("from", principal.valid_from), ("until", principal.valid_until))
        if moment is not None
    ]
    state = "valid" if principal.is_valid else ("not now" if principal.is_active else "revoked")
    times = f" ({', '.join(bounds)})" if bounds else ""
    of_issuer = f"; {principal.subject} of {principal.issuer}" if principal.issuer else ""
    personal = ", with personal data" if principal.reads_personal else ""
    return (
        f"{principal.display_name}: {principal.kind}, {principal.audience}{personal}, "
        f"{state}{times}; {', '.join(principal.stores)}{of_issuer}"
    )
