"""A domain declares who reads what; a name that is no part of a role's name is refused."""

import pytest

from zava.model.audiences import (
    CUSTOMERS_READ,
    SQL_QUERY,
    Audience,
    Audiences,
    Breadth,
    Permission,
    Permissions,
)

MEMBERS = Audience("billing_members", "members", Breadth.MANY, reads_restricted=False)
OWNERS = Audience("billing_owners", "the owners", Breadth.ALL)
AUDIENCES = Audiences(MEMBERS, OWNERS)
INVOICES_READ = Permission("invoices.read")
PERMISSIONS = Permissions((INVOICES_READ, SQL_QUERY), {SQL_QUERY: frozenset({INVOICES_READ})})


def test_audiences_are_ordered_and_found_by_name() -> None:
    assert (AUDIENCES.first, AUDIENCES.widest) == (MEMBERS, OWNERS)
    assert AUDIENCES.named("billing_owners") is OWNERS
    assert AUDIENCES.role("billing_members_personal") is MEMBERS.personal_role
    assert MEMBERS.personal_role.audience is MEMBERS
    assert str(MEMBERS.reading_role(reads_personal=True)) == "billing_members_personal"


def test_a_name_that_the_domain_did_not_declare_has_no_access() -> None:
    with pytest.raises(ValueError, match="no audience"):
        AUDIENCES.named("billing_members_personal")
    with pytest.raises(ValueError, match="no reading role"):
        AUDIENCES.role("store_managers")


@pytest.mark.parametrize("name", ["", "1st", "Members", "a b", "a;b", "a-b", "x" * 47])
def test_a_name_that_would_not_be_a_plain_role_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no name of an audience"):
        Audience(name, "members", Breadth.ONE)


def test_only_a_token_that_allows_it_keeps_the_personal_role() -> None:
    assert MEMBERS.personal_role.of_token(frozenset({CUSTOMERS_READ})) is MEMBERS.personal_role
    assert MEMBERS.personal_role.of_token(frozenset({SQL_QUERY})) is MEMBERS.role


def test_a_permission_brings_those_that_it_includes_and_an_unknown_one_nothing() -> None:
    assert PERMISSIONS.of_names(frozenset({"sql.query", "chain.compare"})) == {
        SQL_QUERY,
        INVOICES_READ,
    }
    assert PERMISSIONS.of_names(frozenset({"chain.compare"})) == frozenset()
