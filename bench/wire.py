"""The servers under load, in turns, so that a slow moment of the machine falls on all of them.

A ratio is taken within a round; its spread over the rounds is the noise.
"""

from collections import defaultdict
from collections.abc import Mapping
from contextlib import ExitStack
from statistics import median

import psycopg

from bench import floors
from bench.candidates import (
    FLOOR,
    OURS,
    PLAIN,
    PROMISING,
    TOOLBOX,
    RightAnswer,
    candidates,
    check,
    constant,
    started,
)
from bench.cluster import Ground
from bench.load import PostgreSQL, Sample, Turn, load
from bench.report import Goal, Part, spread, table
from bench.tokens import count_tokens
from bench.works import SEARCH, WORKS, Rows, plain_cell

CLIENTS = (1, 8, 32)
_WITH_FLOORS = ("W1", "W3")  # the others are the database's time, or no statement
_MEBIBYTE = 1024 * 1024

Samples = dict[tuple[str, int, str], list[Sample]]
Answers = dict[tuple[str, str], RightAnswer]


def measure(ground: Ground, *, rounds: int, seconds: float) -> list[Part]:
    """Start every server, ask each for every piece of work it can do, and compare."""
    postgresql = PostgreSQL.of(ground.superuser)
    expected = _expected(ground)
    samples: Samples = defaultdict(list)
    answers: Answers = {}
    with ExitStack() as stack:
        servers = [stack.enter_context(started(candidate)) for candidate in candidates(ground)]
        floor = stack.enter_context(started(constant()))
        answers[WORKS[0].name, FLOOR] = check(floor, WORKS[0], None)
        memory: dict[str, float] = {}
        for work in WORKS:
            if work.tool == SEARCH:
                memory = {
                    server.candidate.name: server.process.memory_info().rss / _MEBIBYTE
                    for server in [*servers, floor]
                }
            able = [server for server in servers if server.candidate.can(work)]
            for server in able:
                right = check(server, work, expected.get(work.name))
                answers[work.name, server.candidate.name] = right
            if work is WORKS[0]:
                able.append(floor)
            for clients in CLIENTS:
                turn = Turn(clients, seconds * work.weight)
                for number in range(rounds):
                    for server in able[number:] + able[:number]:
                        name = server.candidate.name
                        sample = load(server, postgresql, work, answers[work.name, name], turn)
                        samples[work.name, clients, name].append(sample)
                    if work.name in _WITH_FLOORS:
                        path = floors.database_path(servers[0].candidate, postgresql, work, turn)
                        bare = floors.pgbench(ground, postgresql, work, turn)
                        samples[work.name, clients, floors.PATH].append(path)
                        samples[work.name, clients, floors.PGBENCH].append(bare)
    return [_load_part(samples), _answer_part(answers, memory)]


def _expected(ground: Ground) -> dict[str, Rows]:
    with psycopg.connect(ground.reader) as reader:
        return {
            work.name: [
                [plain_cell(cell) for cell in row]
                for row in reader.execute(work.statement(is_sealed=False).encode())
            ]
            for work in WORKS
            if work.sql
        }


def _ratios(
    samples: Samples, at: tuple[str, int], figure: str, *, name: str = OURS, peer: str
) -> list[float]:
    """Return a server's figure over a peer's, round by round; nothing without such a peer."""
    of_peer = samples.get((*at, peer), ())
    pairs = zip(samples.get((*at, name), ()), of_peer, strict=False)
    return [getattr(own, figure) / getattr(other, figure) for own, other in pairs]


def _spread_of(ratios: list[float]) -> str:
    return spread(ratios) if ratios else "-"


def _load_part(samples: Samples) -> Part:
    rows = []
    for (work, clients, name), taken in samples.items():
        ratios = [
            _spread_of(_ratios(samples, (work, clients), figure, name=name, peer=peer))
            for peer in (PROMISING, PLAIN)
            for figure in ("rate", "server_us")
        ]
        figures = [
            f"{median(getattr(sample, figure) for sample in taken):.{digits}f}"
            for figure, digits in (
                ("rate", 0),
                ("server_us", 0),
                ("postgresql_us", 0),
                ("client_us", 0),
                ("p50_ms", 1),
                ("p99_ms", 1),
            )
        ]
        rows.append(f"| {work} | {clients} | {name} | {' | '.join([*ratios, *figures])} |")
    text = table(
        "work | clients | server | calls, × first peer | CPU a call, × first peer"
        " | calls, × plain peer | CPU a call, × plain peer | calls a second"
        " | server CPU, µs | PostgreSQL CPU, µs | client CPU, µs | p50 ms | p99 ms",
        rows,
    )
    peers = [
        max(s.rate for s in taken) / min(s.rate for s in taken)
        for (_, _, name), taken in samples.items()
        if name == PLAIN
    ]
    noise = (
        f"\n\nNoise: from one repeat to the next the plain peer's own rate differed by up to"
        f" {max(peers):.2f} times (median over all work {median(peers):.2f} times)."
    )
    return Part("Under load", text + noise, tuple(_load_goals(samples)), _headlines(samples))


def _headlines(samples: Samples) -> tuple[str, ...]:
    rows = []
    for work in WORKS:
        names = (OURS, PLAIN if work.tool == SEARCH else PROMISING)
        if work.is_new_each_time or not all((work.name, 8, name) in samples for name in names):
            continue
        ours, peer = (
            f"{median(s.rate for s in taken):,.0f} calls a second,"
            f" 99 of 100 within {median(s.p99_ms for s in taken):.0f} ms"
            for taken in (samples[work.name, 8, name] for name in names)
        )
        which = "plain" if work.tool == SEARCH else "first"
        rows.append(f"| {work.title}, 8 clients at once | {ours} | {which} peer: {peer} |")
    return tuple(rows)


def _load_goals(samples: Samples) -> list[Goal]:
    def against(work: str, clients: int, figure: str, peer: str = PROMISING) -> float:
        ratios = _ratios(samples, (work, clients), figure, peer=peer)
        return float(median(ratios)) if ratios else float("nan")

    goals = []
    for clients in (8, 32):
        at = f"W1, {clients} clients"
        goals += [
            Goal(f"{at}: calls, × first peer", against("W1", clients, "rate"), 2.5),
            Goal(f"{at}: CPU, × first peer", against("W1", clients, "server_us"), 0.45, False),
            Goal(f"{at}: p99, × first peer", against("W1", clients, "p99_ms"), 0.5, False),
            Goal(
                f"{at}, every statement new: calls, × first peer",
                against("W1 new", clients, "rate"),
                2.5,
            ),
        ]
    return [
        *goals,
        Goal("W1, 1 client: calls, × first peer", against("W1", 1, "rate"), 1.5),
        Goal("W2, 8 clients: calls, × first peer", against("W2", 8, "rate"), 2),
        Goal("W3, 8 clients: calls, × plain peer", against("W3", 8, "rate", PLAIN), 9),
        Goal("W3, 8 clients: calls, × Go toolbox", against("W3", 8, "rate", TOOLBOX), 2),
        Goal("W4, 8 clients: calls, × plain peer", against("W4", 8, "rate", PLAIN), 0.8),
        Goal("W5, 8 clients: calls, × plain peer", against("W5", 8, "rate", PLAIN), 5),
    ]


def _answer_part(answers: Answers, memory: Mapping[str, float]) -> Part:
    tokens = count_tokens({key: right.body.decode() for key, right in answers.items()})
    rows = []
    for (work, name), right in answers.items():
        peer = answers.get((work, PLAIN))
        ratio = f"{len(right.body) / len(peer.body):.2f}" if peer else "-"
        counted = tokens.get((work, name)) if tokens else None
        figures = f"{len(right.body):,} | {ratio} | {counted or '-'}"
        rows.append(f"| {work} | {name} | {figures} |")
    text = table("work | server | bytes | bytes, × plain peer | tokens (o200k)", rows)
    text += "\n\n" + table(
        "server | memory after the load, MiB | × first peer",
        [
            f"| {name} | {mebibytes:.0f} | {mebibytes / memory[PROMISING]:.2f} |"
            for name, mebibytes in memory.items()
        ],
    )
    ours, theirs = answers["W3", OURS].body, answers["W3", PLAIN].body
    goals = [
        Goal("W3: bytes, × plain peer", len(ours) / len(theirs), 0.2, False),
        Goal("memory under load, × first peer", memory[OURS] / memory[PROMISING], 0.8, False),
    ]
    if tokens:
        ratio_of_tokens = tokens["W3", OURS] / tokens["W3", PLAIN]
        goals.append(Goal("W3: tokens, × plain peer", ratio_of_tokens, 0.5, False))
    return Part("Answers and memory", text, tuple(goals))
