"""The garbage collector rests while tests are collected."""

import gc

import pytest

from tests.support.suite.garbage import paused_garbage_collection


def test_collector_rests_in_the_block_and_passes_over_what_it_made() -> None:
    before = gc.get_freeze_count()
    with paused_garbage_collection():
        assert not gc.isenabled()
        made: list[list[int]] = [[] for _ in range(1000)]
    assert gc.isenabled()
    assert gc.get_freeze_count() >= before + len(made)


def test_collector_works_on_after_a_failure() -> None:
    with pytest.raises(ValueError, match="spoilt"), paused_garbage_collection():
        raise ValueError("spoilt")
    assert gc.isenabled()


def test_tests_of_this_run_were_collected_so() -> None:
    assert gc.get_freeze_count() > 10_000
