"""A bounded mapping forgets what was written or used first, and nothing else."""

from zava.infrastructure.recent_values import RecentValues


def test_value_written_last_stays_and_the_oldest_makes_room() -> None:
    values: RecentValues[str, int] = RecentValues(2)
    values["a"], values["b"] = 1, 2
    values["a"] = 3  # written anew: "b" is the oldest now
    values["c"] = 4
    assert dict(values) == {"a": 3, "c": 4}
    assert values.setdefault("d", 5) == 5
    assert dict(values) == {"c": 4, "d": 5}


def test_reader_may_keep_what_was_used_last() -> None:
    values: RecentValues[str, int] = RecentValues(2)
    values["a"], values["b"] = 1, 2
    values.move_to_end("a")
    values["c"] = 3
    assert dict(values) == {"a": 1, "c": 3}
