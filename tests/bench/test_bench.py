"""The benchmarks measure what they say: wrong answers end a case, and the tables say what the records say."""

import sys
from typing import Any

import pytest

from bench import settings
from bench.child import LARGEST_STAMP, Delays, Seen, made_at, now, stamp
from bench.goals import GOALS
from bench.latency import distribution, quantile
from bench.peers import PEERS, find
from bench.report import report
from bench.results import KINDS
from bench.runner import CASES, Case, CaseFailed, children, run_case
from bench.stall import run as stall
from bench.stall import stall_section

ABOUT = {
    "commit": "0123456789ab", "changed": False, "date": "2026-01-01", "machine": "one", "python": "CPython",
    "places": "anywhere", "build": "compiled", "likewise": "0", "versions": {"Twisted": "1"},
    "rounds": 1, "case_s": 1.5, "minutes": 1.0, "cut_short": "",
}  # fmt: skip


def a_page(*records: tuple[str, str, float], codec: list[dict[str, Any]] | None = None) -> str:
    """Of records (case, peer, what is measured)."""
    made = [
        {"case": case, "peer": peer, "others": 0.0, "result": {KINDS[case[:2]].key: value}} for case, peer, value in records
    ]
    return report({"about": ABOUT, "records": made, "codec": codec or []}, {})


def goal_line(page: str, case: str) -> str:
    """Its row in the first table: what is asked, measured and reached."""
    line = next(line for line in page.splitlines() if line.startswith(f"| {case} |"))
    return " ".join(line.split(" | ")[6:9])


def test_a_goal_is_reached_when_the_median_is_there() -> None:
    floor = [("W1", "raw-uv", 1000.0)]
    assert goal_line(a_page(*floor, ("W1", "likewise-uv", 760.0)), "W1") == "0.75 0.76 yes"
    assert goal_line(a_page(*floor, ("W1", "likewise-uv", 740.0)), "W1") == "0.75 0.74 **no**"
    rounds = [("W1", "likewise-uv", each) for each in (1.0, 760.0, 900.0)]
    assert goal_line(a_page(*floor, *rounds), "W1") == "0.75 0.76 yes ~"


def test_a_goal_whose_case_failed_is_not_passed_over() -> None:
    assert goal_line(a_page(("W4", "likewise-uv", 1.0)), "W4") == "1 - not measured"
    assert goal_line(a_page(("W6", "mp.managers", 1.0)), "W6") == "1 - not measured"
    assert "| W6 |" not in a_page(("W4", "likewise-uv", 1.0))


def test_less_is_better_for_time_and_memory() -> None:
    assert goal_line(a_page(("W7", "likewise-uv", 2.4)), "W7") == "1 1.04 yes"
    assert goal_line(a_page(("W7", "likewise-uv", 2.6)), "W7") == "1 0.96 **no**"
    assert goal_line(a_page(("W6", "mp.managers", 30.0), ("W6", "likewise-uv", 20.0)), "W6") == "1 1.50 yes"
    page = a_page(("W6", "twisted", 100.0), ("W6", "likewise", 50.0))
    assert page.index("| **likewise** |") < page.index("| twisted |") and "| 2x |" in page


def test_ranges_that_overlap_are_marked() -> None:
    apart = a_page(("W2", "twisted", 1.0), ("W2", "pyro5", 3.0))
    assert "3x |" in apart
    assert "3x ~ |" in a_page(("W2", "twisted", 1.0), ("W2", "twisted", 3.1), ("W2", "twisted", 1.0), ("W2", "pyro5", 3.0))


def test_every_goal_names_a_case_and_peers_that_there_are() -> None:
    for goal in GOALS:
        assert goal.case in CASES and find(goal.ours)().can(goal.case)
        assert not goal.other or find(goal.other)().can(goal.case)


def test_the_codec_has_goals_of_its_own_and_is_set_beside_others() -> None:
    names = {"likewise": 0.5, "msgspec": 0.25, "twisted": 10.0}
    one = {"message": "add(2, 3)", "bytes": 1}
    page = a_page(codec=[one | {"codec": name, "encode_us": us, "decode_us": 2 * us} for name, us in names.items()])
    assert goal_line(page, "codec, encode add(2, 3)") == "1 1.20 yes"
    assert goal_line(page, "codec, decode add(2, 3)") == "1 0.60 **no**"
    assert "| **likewise** | 1 | 0.5 | 1 | 2x / 2x | 20.0x / 20.0x |" in page


def test_the_drop_in_stands_beside_twisted() -> None:
    page = a_page(("W1", "twisted", 2.0), ("W1", "spread", 3.0), ("W6", "twisted", 8.0), ("W6", "spread", 2.0))
    assert "| W1 | calls/s | 2 | 2..2 | 3 | 3..3 | 1.5x | - | - |" in page
    assert "| W6 | ms | 8 | 8..8 | 2 | 2..2 | 4x | - | - |" in page


def test_a_run_that_was_cut_short_says_so() -> None:
    about = ABOUT | {"cut_short": "the time was used up"}
    assert "**Not whole**: the time was used up" in report({"about": about, "records": []}, {})


def test_an_unknown_peer_is_refused_with_the_names_of_all() -> None:
    with pytest.raises(ValueError, match=r"'nobody'.*mini-uv"):
        find("nobody")
    assert all(peer.name == name and peer.__doc__ for name, peer in PEERS.items())


@pytest.mark.parametrize("values", [(1, 3), (1, 1), (2,), (1, -3)])
def test_an_update_lost_or_out_of_order_ends_the_case(values: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    def leave(code: int) -> None:
        raise SystemExit(code)

    monkeypatch.setattr("os._exit", leave)
    see = Seen(1, lambda at: None).subscriber()
    with pytest.raises(SystemExit):
        for value in values:
            see(value)


def test_the_last_update_of_the_last_subscriber_ends_the_wait() -> None:
    ended: list[float] = []
    seen = Seen(2, ended.append)
    for see in (seen.subscriber(), seen.subscriber()):
        assert not ended
        for value in (1, 2, -3):
            see(value)
    assert len(ended) == 1


def test_delays_are_told_within_a_hundredth(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[object] = []
    delays = Delays(1, ended.append)
    made = 5 * (LARGEST_STAMP + 1) / 1e6 - 0.001  # what an update can carry begins anew between this and its arrival
    for milliseconds in range(1, 1001):
        monkeypatch.setattr("bench.child.now", lambda at=made + milliseconds / 1e3: at)
        delays.on_update(stamp(made))
    delays.on_update(-1)
    assert len(ended) == 1 and sum(delays.steps.values()) == 1000
    for share in (0.5, 0.9, 0.99, 1.0):
        assert quantile(delays.steps, share) == pytest.approx(share * 1000, rel=0.02)
    assert distribution(delays.steps)[-1][1] == 1.0


def test_a_late_change_counts_from_when_it_was_due() -> None:
    due = now() - 2 * settings.LATE_S
    assert made_at(due) == due
    assert made_at(now()) >= now() - settings.LATE_S


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("work", ["bytes", "objects"])
@pytest.mark.parametrize("peer", ["likewise", "twisted", "mp.managers"])
def test_any_size_can_be_passed(work: str, peer: str) -> None:
    with children() as started:
        assert Case(peer, work, started).client(50).expect("RESULT", 30)["us"] > 0


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("peer", ["likewise", "raw", "twisted"])
def test_a_case_runs_in_processes_of_its_own(peer: str) -> None:
    result = run_case(peer, "W5:10")
    assert 1 < result["updates"] <= settings.DELIVERIES / 10 and result["rate"] > 0  # fewer where the machine is busy


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_case_that_breaks_says_why() -> None:
    with pytest.raises(CaseFailed, match="AttributeError"):
        run_case("raw", "W6")  # it has no objects to fetch


def test_what_a_large_argument_does_is_told_for_whom_it_was_measured() -> None:
    taken = [dict.fromkeys(("p50_us", "p99_us", "max_us"), each) for each in (1000.0, 9000.0, 2000.0)]
    page = "\n".join(stall_section({"likewise-uv": {"alone": taken, "within": taken}}))
    assert "| likewise-uv | 2 | 2 | 2 | - | - | - | 2 | 2 | 2 |" in page


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("way", ["beside", "within"])
def test_small_calls_are_timed_beside_large_ones(way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_CASE_SECONDS", "0.2")
    for peer in ("likewise", "twisted"):
        taken = stall(peer, way)
        assert 0 < taken["p50_us"] <= taken["p99_us"] <= taken["max_us"]
