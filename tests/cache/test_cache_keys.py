"""Keys of kept answers: no two calls that differ in anything share one."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zava.data.metrics.result_cache import cache_key
from zava.data.session.results import EffectiveAccess
from zava.retail.access_rules import AUDIENCES

TEXTS = st.text(max_size=60) | st.sampled_from(
    ["a:b", "a", ":", "1:a", "0:", "|", "ü", "x" * 10_000]
)
GRANTS = st.builds(EffectiveAccess, st.sampled_from(list(AUDIENCES.roles.values())), TEXTS, TEXTS)
VALUES = st.dictionaries(TEXTS, TEXTS, max_size=3)
CALLS = st.tuples(TEXTS, GRANTS, TEXTS, VALUES)


@pytest.mark.slow
@pytest.mark.requirement("S122")
@settings(max_examples=500)
@given(TEXTS, GRANTS, GRANTS, TEXTS, VALUES)
def test_no_two_scopes_share_an_entry_whatever_is_asked(
    version: str, one: EffectiveAccess, other: EffectiveAccess, sql: str, values: dict[str, str]
) -> None:
    keys = {cache_key(version, grant, sql, values) for grant in (one, other)}
    assert len(keys) == len({one, other})


@pytest.mark.requirement("S122")
@given(CALLS, CALLS)
def test_two_calls_share_a_key_only_when_all_of_them_is_the_same(
    one: tuple[str, EffectiveAccess, str, dict[str, str]],
    other: tuple[str, EffectiveAccess, str, dict[str, str]],
) -> None:
    assert (cache_key(*one) == cache_key(*other)) == (one == other)


@pytest.mark.requirement("S122")
@given(TEXTS, GRANTS, TEXTS, TEXTS)
def test_no_part_runs_over_into_the_next(
    version: str, grant: EffectiveAccess, sql: str, moved: str
) -> None:
    """What one part loses at its end and the next gains at its beginning is another call."""
    if not moved:
        return
    left = cache_key(
        version,
        EffectiveAccess(grant.role, grant.scope_hash + moved, grant.data_version),
        sql,
        {},
    )
    right = cache_key(
        version,
        EffectiveAccess(grant.role, grant.scope_hash, moved + grant.data_version),
        sql,
        {},
    )
    assert left != right
    assert cache_key(version, grant, sql + moved, {}) != cache_key(version + moved, grant, sql, {})
    assert cache_key(version, grant, sql, {moved: 1}) != cache_key(
        version, grant, sql, {moved: "1"}
    )
