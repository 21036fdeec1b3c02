"""A dead database is given up soon, tried again one caller at a time, and taken back at once."""

import logging

import pytest

from zava.infrastructure.circuit_breaker import CircuitBreaker


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def opened(clock: Clock) -> CircuitBreaker:
    circuit = CircuitBreaker(clock=clock)
    circuit.failed(clock.now)
    clock.now += 2
    circuit.failed(clock.now)
    assert circuit.is_open
    return circuit


def test_failures_of_two_seconds_open_it_and_shorter_ones_do_not(clock: Clock) -> None:
    circuit = CircuitBreaker(clock=clock)
    for _ in range(19):
        circuit.failed(clock.now)
        clock.now += 0.1
    assert circuit.lets_pass()
    circuit.succeeded()
    circuit.failed(clock.now)
    clock.now += 1.9
    circuit.failed(clock.now)
    assert circuit.lets_pass()
    clock.now += 0.1
    circuit.failed(clock.now)
    assert not circuit.lets_pass()


def test_one_attempt_that_took_two_seconds_is_enough(clock: Clock) -> None:
    circuit = CircuitBreaker(clock=clock)
    circuit.failed(clock.now - 5)
    assert circuit.is_open


def test_failure_of_one_while_others_are_answered_says_nothing(clock: Clock) -> None:
    circuit = CircuitBreaker(clock=clock)
    started = clock.now
    clock.now += 30
    circuit.succeeded()
    clock.now += 2
    circuit.failed(started)
    assert not circuit.is_open
    clock.now += 30
    circuit.failed(started + 31)
    assert circuit.is_open


def test_open_it_lets_one_try_at_a_time_ever_more_rarely(clock: Clock) -> None:
    circuit = opened(clock)
    waits = []
    for _ in range(6):
        since = clock.now
        while not circuit.lets_pass():
            clock.now += 0.01
        waits.append(clock.now - since)
        assert not circuit.lets_pass(), "the others wait for what comes of it"
        circuit.failed(clock.now)
    for wait, expected in zip(waits, (0.5, 1, 2, 4, 4, 4), strict=True):
        assert 0.79 * expected <= wait <= 1.22 * expected


def test_trial_that_says_nothing_is_no_obstacle(clock: Clock) -> None:
    circuit = opened(clock)
    clock.now += 1
    assert circuit.lets_pass()
    clock.now += 0.6
    assert circuit.lets_pass()


def test_first_success_closes_it_and_both_are_told_once(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="zava")
    circuit = opened(clock)
    circuit.failed(clock.now)
    circuit.succeeded()
    circuit.succeeded()
    assert not circuit.is_open
    assert circuit.lets_pass()
    assert circuit.lets_pass()
    assert caplog.messages == ["database given up", "database answers again"]
