"""A declaration is read whole: each mistake names the file and the key."""

from pathlib import Path

import pytest

from tests.adoption.foreign import BILLING
from zava.adoption.declaration_file import (
    DeclarationRefused,
    parse_declaration,
    read_declaration,
)
from zava.adoption.declared_values import AudienceScope, Via

GOOD = """
version = 1
[database]
name = "shop"
schemas = ["public"]
[tenant]
table = "public.accounts"
key = "id"
[audiences.member]
scope = "many"
[tables."public.accounts"]
tenant = "id"
"""


def problems(text: str) -> list[str]:
    with pytest.raises(DeclarationRefused) as refused:
        parse_declaration(text, "shop.toml")
    return list(refused.value.problems)


def test_the_example_is_read_with_its_defaults() -> None:
    declaration = read_declaration(BILLING[1])
    assert [audience.role for audience in declaration.audiences] == [
        "zava_billing_member",
        "zava_billing_desk",
        "zava_billing_auditor",
    ]
    assert declaration.audiences[2].scope is AudienceScope.ALL
    assert declaration.roles[:2] == ("zava_billing_context", "zava_billing_server")
    assert declaration.tables["public.refunds"].via == Via("payment_id", "public.payments", "id")
    assert declaration.tables["public.customers"].hides("email", "desk")
    assert not declaration.tables["public.customers"].hides("email", "member")
    small = parse_declaration(GOOD, "shop.toml")
    assert (small.title, small.time_zone, small.tenant.words) == ("shop", "UTC", "tenants")


@pytest.mark.parametrize(
    ("line", "other", "problem"),
    [
        ("version = 1", "version = 2", "version: expected 1, the version of this format"),
        ("version = 1", "version = ", "Invalid value (at line 2, column 11)"),
        ('name = "shop"', "", "database.name: is missing"),
        ('name = "shop"', 'name = "Shop"', "database.name: expected at most 24 of a-z, 0-9 and _, a letter first"),
        ('name = "shop"', 'nam = "shop"', "database.nam: there is no such key; perhaps name"),
        ('["public"]', '"public"', "database.schemas: expected a list of texts"),
        ('["public"]', "[]", "database.schemas: name at least one schema"),
        ('key = "id"', "key = 1", "tenant.key: expected a text"),
        ('scope = "many"', 'scope = "some"', "audiences.member.scope: expected one, many or all"),
        ('scope = "many"', 'scope = "all"', "audiences: declare at least one audience with scope one or many"),
        ('scope = "many"', 'role = "Members"', "audiences.member.role: expected at most 57 of a-z, 0-9 and _, a letter first"),
        ('"public.accounts"]', '"accounts"]', 'tables.accounts: expected "schema.table" of public'),
        ('tenant = "id"', "", "tables.public.accounts: say exactly one of tenant, via, shared"),
        ('tenant = "id"', 'tenant = "id"\nshared = true', "tables.public.accounts: say exactly one of tenant, via, shared"),
        ('tenant = "id"', 'via = ["a", "b"]', 'tables.public.accounts.via: expected [column, "schema.parent", key]'),
        ('tenant = "id"', "shared = true\nnull_is_shared = true", "tables.public.accounts.null_is_shared: goes with tenant alone"),
        ('tenant = "id"', 'tenant = "id"\nhide = "x"', "tables.public.accounts.hide: expected columns, or { audience = columns }"),
        ('tenant = "id"', 'tenant = "id"\nhide = { membr = ["x"] }', "tables.public.accounts.hide: there is no audience membr; perhaps member"),
        ('tenant = "id"', 'tenant = "id"\nshared = 1', "tables.public.accounts.shared: expected true or false"),
        ('tenant = "id"', 'tenant = "id"\n[views."public.v"]\ntenant = "id"', "views: a view is not adopted; declare the tables that it reads"),
        ('tenant = "id"', 'tenant = "id"\n[members]\naudience = "member"', "members: say exactly one of directory, issuer"),
        ('tenant = "id"', 'tenant = "id"\n[members]\naudience = "membr"', "members.audience: there is no audience membr; perhaps member"),
        ('tenant = "id"', 'tenant = "id"\n[members]\ndirectory = "ours"', "members.directory: expected the id of a directory, a UUID"),
        ('scope = "many"', 'scope = "one"\n[members]\naudience = "member"', "members: people may belong to several accounts; use scope many"),
    ],
)  # fmt: skip
def test_each_mistake_is_a_sentence_with_file_and_key(line: str, other: str, problem: str) -> None:
    assert f"shop.toml: {problem}" in problems(GOOD.replace(line, other, 1))


def test_several_mistakes_are_named_at_once() -> None:
    text = GOOD.replace('name = "shop"', "").replace('tenant = "id"', "")
    assert len(problems(text)) == 2


def test_two_audiences_of_one_role_are_refused() -> None:
    text = f'{GOOD}\n[audiences.other]\nrole = "zava_shop_member"\n'
    assert problems(text) == ["shop.toml: audiences: two audiences have one role"]


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(DeclarationRefused, match=r"adopt: .*none.toml: cannot be read"):
        read_declaration(tmp_path / "none.toml")
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b"title = '\xe9'")
    with pytest.raises(DeclarationRefused, match="it is not UTF-8"):
        read_declaration(latin)
