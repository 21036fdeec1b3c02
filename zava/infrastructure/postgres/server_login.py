"""The login of the server: its keys, its password, and the identity of Azure that it has."""

from uuid import UUID

import psycopg
from psycopg import sql

from zava.infrastructure.postgres.migrations import MigrationRefused


def install_context_keys(
    connection: psycopg.Connection, keys: list[tuple[int, bytes]], *, owner: str = "zava_context"
) -> None:
    """Make the database accept signatures of exactly these one or two keys.

    `owner` is the role that owns the keys.

    Raises:
        ValueError: there are none or more than two.
    """
    if not 1 <= len(keys) <= 2:  # noqa: PLR2004  # the keyring has two places
        raise ValueError("one or two context keys can be valid at once")
    first, second = keys[0], keys[1] if len(keys) == 2 else (None, None)  # noqa: PLR2004  # same
    with connection.transaction():
        connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(owner)))
        # Binary parameters: a server that logs parameters shows no readable key.
        connection.execute(
            """
            UPDATE zava.keyring SET
              key_a = %(key_a)s,
              inner_pad_a = zava.pad(%(a)b, 54), outer_pad_a = zava.pad(%(a)b, 92),
              key_b = %(key_b)s,
              inner_pad_b = zava.pad(%(b)b, 54), outer_pad_b = zava.pad(%(b)b, 92)
            """,
            {"key_a": first[0], "a": first[1], "key_b": second[0], "b": second[1]},
        )


def set_server_password(
    connection: psycopg.Connection, password: str, *, login: str = "zava_server"
) -> None:
    """Give the server's login a password; only where it does not prove itself by Entra."""
    connection.execute(
        sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(login), sql.Literal(password))
    )


def name_server_login(connection: psycopg.Connection, object_id: UUID) -> bool:
    """Let one Entra identity log in as the server; return whether that changed anything.

    The role is made here rather than by the extension's own function. Its maker is then the
    administrator who migrates, and since PostgreSQL 16 no other role may alter it. An identity
    that was made again has another object id, so the label is written again. `connection` is the
    administrator's, an Entra principal, to the database `postgres`.

    Raises:
        MigrationRefused: this server does not support Entra identities.
    """
    label = f"aadauth,oid={object_id},type=service"
    with connection.transaction():
        known = connection.execute(
            """
            SELECT label FROM pg_roles
            LEFT JOIN pg_shseclabel ON provider = 'pgaadauth'
              AND (classoid, objoid) = ('pg_authid'::regclass, pg_roles.oid)
            WHERE rolname = 'zava_server'
            """
        ).fetchone()
        if known == (label,):
            return False
        if known is None:
            connection.execute("CREATE ROLE zava_server LOGIN NOINHERIT NOCREATEDB NOCREATEROLE")
        try:
            connection.execute(
                sql.SQL("SECURITY LABEL FOR pgaadauth ON ROLE zava_server IS {}").format(label)
            )
        except psycopg.errors.InvalidParameterValue as error:
            raise MigrationRefused(
                "this server has no Entra identities; --server-identity is for "
                "Azure Database for PostgreSQL with Microsoft Entra authentication"
            ) from error
    return True
