"""Renders the SQL of `sql/seal` for one declaration."""

import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from uuid import UUID

from zava.adoption.declared_values import (
    AdoptionDeclaration,
    DeclaredAudience,
    literal,
    quoted,
    quoted_table,
)
from zava.adoption.foreign_catalog import SEAL
from zava.adoption.policies import reading_function, tenant_condition

CANARY_KEYS = {
    "uuid": (
        "00000000-0000-0000-0000-0000000000a1",
        "00000000-0000-0000-0000-0000000000b2",
        "00000000-0000-0000-0000-0000000000c3",
    ),
    "bigint": ("-9223372036854775807", "-9223372036854775806", "-9223372036854775805"),
    "text": ("zava canary 1", "zava canary 2", "zava stranger"),
}
"""Keys that no tenant has: of the two canaries, and of the stranger, by type of key."""

NIL = UUID(int=0)
"""The directory of the canaries: it is refused at the edge, so no token can name them."""

FIRST_CANARY, SECOND_CANARY = UUID(int=0xA1), UUID(int=0xB2)
_FIRST_STRANGER = 0xC300
MAX_AUDIENCES = 0x100

# What the reading of a statement, of its values and of the answer depends on, and the first line of
# defence that costs no round trip.
_SETTINGS = {
    "default_transaction_read_only": "on",
    "statement_timeout": "'30s'",
    "lock_timeout": "'5s'",
    "idle_in_transaction_session_timeout": "'15s'",
    "datestyle": "'ISO, YMD'",
    "intervalstyle": "'iso_8601'",
    "jit": "off",
    "standard_conforming_strings": "on",
    "backslash_quote": "safe_encoding",
    "client_encoding": "'UTF8'",
    "row_security": "on",
    "transform_null_equals": "off",
    "array_nulls": "on",
    "bytea_output": "hex",
    "extra_float_digits": "1",
}
_PLACEHOLDER = re.compile(r"\{\{(\w+)\}\}")


def stranger(number: int) -> UUID:
    """Return the object id of the stranger of the audience with this number."""
    return UUID(int=_FIRST_STRANGER + number)


def rendered(name: str, values: Mapping[str, str]) -> str:
    """Return a file of `sql/seal` with its placeholders replaced."""
    return filled((SEAL / name).read_text(encoding="utf-8"), values)


def filled(text: str, values: Mapping[str, str]) -> str:
    """Return a text with its placeholders replaced."""
    # In one pass: a value, such as the name of a table, may itself look like a placeholder.
    return _PLACEHOLDER.sub(lambda match: values.get(match[1], match[0]), text)


def roles(declaration: AdoptionDeclaration) -> str:
    """Return the statement that makes the roles which are missing."""
    rows = [
        (declaration.context_role, "NOLOGIN", "true"),
        (declaration.server_role, "LOGIN", "false"),
    ]
    rows += [(audience.role, "NOLOGIN", "false") for audience in declaration.audiences]
    values = ", ".join(f"({literal(name)}, {literal(login)}, {kept})" for name, login, kept in rows)
    return rendered("roles.sql", {"roles": values})


def login_settings(declaration: AdoptionDeclaration) -> Mapping[str, str]:
    """Return the settings of the login in this database."""
    zone = {"timezone": literal(declaration.time_zone)}
    return _SETTINGS | {"search_path": search_path(declaration)} | zone


def login(declaration: AdoptionDeclaration) -> str:
    """Return the statement that gives the login its settings."""
    values = ", ".join(
        f"({literal(name)}, {literal(value)})"
        for name, value in login_settings(declaration).items()
    )
    server = literal(declaration.server_role)
    return rendered("login.sql", {"settings": values, "server_text": server})


def search_path(declaration: AdoptionDeclaration) -> str:
    """Return where the runners and the login look names up."""
    return ", ".join(quoted(schema) for schema in declaration.search_path)


def tables(key: str) -> str:
    """Return the statements that make the seal's own tables for a type of key."""
    first, second, _ = CANARY_KEYS[key]
    canaries = {"first_canary": literal(first), "second_canary": literal(second)}
    return rendered("tables.sql", {"key": key} | canaries)


def functions(declaration: AdoptionDeclaration, key: str) -> str:
    """Return the statements that make the context functions for a type of key."""
    members = declaration.members
    made = ""
    if members is not None:
        person = f"m.{quoted(members.person)}"
        directory = f"'{members.directory}'::uuid"
        wanted = "principal_of.p_person"
        is_person = f"{person} = {wanted}"
        if members.issuer is not None:
            issuer = literal(members.issuer)
            directory = f"zava.hashed_id({issuer})"
            # The last seven bytes are those of the plain hash. PostgreSQL compares them first, as
            # built-in functions cost it less; a function in SQL costs many times a hash.
            hashed = (
                f"sha256(convert_to({issuer}, 'UTF8') || '\\x00'::bytea"
                f" || convert_to({person}::text, 'UTF8'))"
            )
            is_person = (
                f"substr({hashed}, 10, 7) = substr(uuid_send({wanted}), 10, 7)"
                f" AND zava.hashed_id({issuer}, {person}::text) = {wanted}"
            )
        role = next(each.role for each in declaration.audiences if each.name == members.audience)
        values = {
            "directory": directory,
            "is_person": is_person,
            "tenant": quoted(members.tenant),
            "table": quoted_table(members.table),
            "role": literal(role),
            "key": key,
            "filter": members.filter or "true",
        }
        made = rendered("members.sql", values)
    return made + rendered("functions.sql", {"key": key, "principals": _principals(declaration)})


def _principals(declaration: AdoptionDeclaration) -> str:
    """Return what the grant of a caller, given as tenant and person, is joined from."""
    if declaration.members is not None:
        return "LATERAL zava.principal_of(tenant, person) AS p ON true"
    return "zava.valid_principals AS p ON p.tenant_id = tenant AND p.object_id = person"


def serving(declaration: AdoptionDeclaration) -> str:
    """Return the statements that make what the server calls beside the runners."""
    proof = (SEAL / "proof.sql").read_text(encoding="utf-8")
    values = {
        "server": quoted(declaration.server_role),
        "proof": proof,
        "principals": _principals(declaration),
    }
    return rendered("serving.sql", values)


def audience_rights(audience: DeclaredAudience, key: str) -> str:
    """Return the statements that let an audience read its scope and the canaries."""
    return rendered(
        "audience.sql",
        {
            "role": quoted(audience.role),
            "policy": quoted(audience.policy),
            "reading": reading_function(audience),
            "condition": tenant_condition("tenant", audience, key, key),
        },
    )


def principals(declaration: AdoptionDeclaration, key: str) -> str:
    """Return the statements that record the audiences, the canaries and the strangers."""
    first, second, strange = CANARY_KEYS[key]
    audiences = ", ".join(
        f"({literal(each.role)}, {literal(each.name)}, {literal(each.scope)})"
        for each in declaration.audiences
    )
    sealed = declaration.sealed_audiences
    known = [
        (FIRST_CANARY, "first canary", sealed[0].role, first),
        (SECOND_CANARY, "second canary", sealed[0].role, second),
        *(
            (stranger(number), f"stranger of {each.name}", each.role, strange)
            for number, each in enumerate(sealed)
        ),
    ]
    people = ", ".join(
        f"('{NIL}', '{person}', {literal(name)}, {literal(role)},"
        f" ARRAY[{literal(tenant)}]::{key}[])"
        for person, name, role, tenant in known
    )
    return rendered("principals.sql", {"audiences": audiences, "people": people})


def runner_source(values: Mapping[str, str]) -> str:
    """Return the body of a runner, as the catalog stores it."""
    return rendered("runner.sql", values).split("$body$")[1]


def runner_values(
    declaration: AdoptionDeclaration,
    audience: DeclaredAudience,
    protected: Iterable[int],
    limited: Mapping[str, Iterable[int]],
) -> Mapping[str, str]:
    """Return what a runner is rendered with.

    `protected` are the tables whose row security has to be on. `limited` are the tables that need a
    restrictive policy, by its name: DROP … CASCADE of a column or a parent takes it away.
    """
    # A table that was dropped shows nothing: of it the second function returns NULL.
    active = [
        f"(pg_catalog.row_security_active({oid}::pg_catalog.oid)"
        f" OR pg_catalog.pg_table_is_visible({oid}::pg_catalog.oid) IS NULL)"
        for oid in sorted(protected)
    ]
    for policy, found in limited.items():
        if oids := ", ".join(map(str, sorted(found))):
            active.append(f"zava.policies_hold({literal(policy)}, '{{{oids}}}'::pg_catalog.oid[])")
    return {
        "runner": quoted(audience.runner),
        "weigher": quoted(audience.weigher),
        "server": quoted(declaration.server_role),
        "path": search_path(declaration),
        "are_active": "\n    AND ".join(active) or "true",
    }


def digest(text: str) -> str:
    """Return the checksum of a text, by which a changed template or declaration is found."""
    return sha256(text.encode()).hexdigest()
