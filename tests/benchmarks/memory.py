"""What a long search of many architectures holds in memory, and what it costs to keep that bounded.

    python -m tests.benchmarks memory [--trials 300] [--workers 1 2]

Every trial is a network of another shape, trained by the fused engine on a few rows of California housing
(TUNECLI_DATA names where it is), so that each compiles a program, which is never given back. The resident memory of the
search's process and of all below it is looked at five times a second.

Slots are replaced in time. Two figures say what share of their time that costs, by the journal: how long they waited
(from a trial's end to the next one's in the same slot, less what that took, as far as it is more than the median), and
how much longer trials took while a next process got ready beside the old ones, and the first trial of it (than the
median of the other trials with as many layers). The exit code is 1 if a target is missed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import yaml

from tests.processes import slots_below

SAMPLE_SECONDS = 0.2

MOST_MB = 1_500
"""What any process may hold."""

MOST_GROWTH_MB = 100
"""By how much the parent may grow from the first trial to the last."""

MOST_COST = 0.05
"""The share of the slots' time that replacements may cost."""

MOST_DISTINCT = 4 * 256
"""Shapes in the search space."""


@dataclass(frozen=True)
class Sample:
    """Megabytes that the processes of a search held at one moment.

    Attributes:
        at: When.
        parent: The search's own process.
        slots: Processes of slots, by their ids.
        others: All others below it: the server that slots are forked from.
    """

    at: float
    parent: float
    slots: dict[int, float]
    others: float


@dataclass(frozen=True)
class Figures:
    """What a search came to.

    Attributes:
        programs: How many trials compiled a program.
        seconds: From the first trial's start to the last one's end.
        highest_mb: The most that any process held.
        growth_mb: By how much the parent grew in that time.
        replaced: How many slots' processes were replaced.
        waiting: The share of the slots' time in which they waited longer than usual.
        slowed: The share of it by which trials took longer while processes warmed up.
        is_in_parent: Whether trials ran in the parent, as they do in small studies of one worker.
    """

    programs: int
    seconds: float
    highest_mb: float
    growth_mb: float
    replaced: int
    waiting: float
    slowed: float
    is_in_parent: bool

    @property
    def cost(self) -> float:
        """The share of the slots' time that replacements cost."""
        return self.waiting + self.slowed

    @property
    def is_met(self) -> bool:
        """Whether all targets are."""
        is_small = self.highest_mb <= MOST_MB and (self.is_in_parent or self.growth_mb < MOST_GROWTH_MB)
        return is_small and self.cost < MOST_COST


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=300, help=f"At most {MOST_DISTINCT}.")
    parser.add_argument("--workers", nargs="+", type=int, default=[1, 2])
    options = parser.parse_args()
    results = {}
    for workers in options.workers:
        print(f"{options.trials} trials, workers: {workers}", file=sys.stderr, flush=True)
        results[workers] = measure(options.trials, workers)
    print(table(results))
    sys.exit(0 if all(each.is_met for each in results.values()) else 1)


def measure(trials: int, workers: int) -> Figures:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        spec = folder / "study.yaml"
        spec.write_text(yaml.safe_dump(study(trials, workers), sort_keys=False), encoding="utf-8")
        command = [sys.executable, "-m", "tunecli", "search", str(spec), "--runs", str(folder), "--quiet"]
        samples = sampled(subprocess.Popen(command, stdout=subprocess.DEVNULL))
        lines = (folder / "study" / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    return figures([json.loads(line) for line in lines], samples, workers)


def study(trials: int, workers: int) -> dict[str, Any]:
    return {
        "name": "study",
        "dataset": {"name": "california_housing", "max_rows": 500},
        "model": "mlp",
        "search_space": {"hidden_layers": {"min": 1, "max": 4}, "units": {"min": 1, "max": 256}},
        "tuner": {"name": "random", "max_trials": trials},
        "training": {"epochs": 3, "engine": "fused"},
        "limits": {"workers": workers, "threads": 1},
        "baselines": False,
    }


def sampled(process: subprocess.Popen[bytes]) -> list[Sample]:
    """Waits for a search, and returns what it held meanwhile."""
    samples = []
    parent = psutil.Process(process.pid)
    while process.poll() is None:
        with suppress(psutil.Error):  # it ends at this very moment
            slots = {child.pid: held_mb(child) for child in slots_below(parent)}
            others = [held_mb(child) for child in parent.children(recursive=True) if child.pid not in slots]
            samples.append(Sample(time.time(), held_mb(parent), slots, max(others, default=0.0)))
        time.sleep(SAMPLE_SECONDS)
    if process.returncode:
        sys.exit(f"the search ended with exit code {process.returncode}")
    return samples


def held_mb(process: psutil.Process) -> float:
    with suppress(psutil.Error):  # it ends at this very moment
        return float(process.memory_info().rss) / 1e6
    return 0.0


def figures(events: Sequence[dict[str, Any]], samples: Sequence[Sample], workers: int) -> Figures:
    start = min(event["at"] for event in events if event["event"] == "started")
    ended = [event for event in events if event["event"] == "finished"]
    failed = [event["outcome"]["cause"] for event in ended if event["outcome"]["cause"]]
    assert not failed, f"{len(failed)} trials failed: {failed[0]}"
    end = max(event["at"] for event in ended)
    during = [sample for sample in samples if start <= sample.at <= end]
    replaced_at = ends_of_slots(during)
    slot_s = workers * (end - start)
    return Figures(
        programs=sum(event["outcome"]["program"] == "compiled" for event in ended),
        seconds=end - start,
        highest_mb=max(max(each.parent, each.others, *each.slots.values()) for each in samples),
        growth_mb=during[-1].parent - during[0].parent,
        replaced=len(replaced_at),
        waiting=waited_s(events) / slot_s,
        slowed=slowed_s(events, warm_ups(during, replaced_at, workers)) / slot_s,
        is_in_parent=not any(sample.slots for sample in during),
    )


def ends_of_slots(samples: Sequence[Sample]) -> list[float]:
    """Returns when processes of slots were first seen to be gone, in order."""
    last_seen = {pid: number for number, sample in enumerate(samples) for pid in sample.slots}
    return sorted(samples[number + 1].at for number in last_seen.values() if number + 1 < len(samples))


def warm_ups(samples: Sequence[Sample], replaced_at: Sequence[float], workers: int) -> list[tuple[float, float]]:
    """Returns from when to when processes got ready to take over, supposed that they do so in the order of starting."""
    first_seen: dict[int, float] = {}
    for sample in samples:
        for pid in sample.slots:
            first_seen.setdefault(pid, sample.at)
    later = sorted(first_seen.values())[workers:]
    return list(zip(later, [*replaced_at, *[samples[-1].at] * len(later)], strict=False))


def slowed_s(events: Sequence[dict[str, Any]], windows: Sequence[tuple[float, float]]) -> float:
    """Returns how much longer trials took that ran during one of the windows."""
    layers = {
        event["suggestion"]["trial"]: event["suggestion"]["values"]["hidden_layers"]
        for event in events
        if event.get("suggestion")
    }
    usual: dict[int, list[float]] = defaultdict(list)
    disturbed: dict[int, list[float]] = defaultdict(list)
    for event in events:
        if event["event"] == "finished":
            duration = event["outcome"]["duration_s"]
            is_disturbed = any(start < event["at"] and event["at"] - duration < end for start, end in windows)
            (disturbed if is_disturbed else usual)[layers[event["trial"]]].append(duration)
    return sum(
        duration - statistics.median(usual[count])
        for count, durations in disturbed.items()
        for duration in durations
        if usual[count]
    )


def waited_s(events: Sequence[dict[str, Any]]) -> float:
    """Returns how long slots did not train, beyond what is usual between two trials."""
    slots = {event["suggestion"]["trial"]: event["slot"] for event in events if event.get("suggestion")}
    ends: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for event in events:
        if event["event"] == "finished":
            ends[slots[event["trial"]]].append(event)
    gaps: list[float] = [
        after["at"] - before["at"] - after["outcome"]["duration_s"]
        for each in ends.values()
        for before, after in pairwise(each)
    ]
    usual = statistics.median(gaps)
    return sum(max(0.0, gap - usual) for gap in gaps)


def table(results: dict[int, Figures]) -> str:
    lines = [
        f"{'workers':8} {'programs':>8} {'search':>9} {'highest':>10} {'parent grew':>12} {'replaced':>9} "
        f"{'waiting':>8} {'slowed':>7} {'cost':>6}"
    ]
    for workers, each in results.items():
        where = "; in the parent: too few trials for a slot" if each.is_in_parent else ""
        lines.append(
            f"{workers:<8} {each.programs:8} {each.seconds:7.0f} s {each.highest_mb:7,.0f} MB "
            f"{each.growth_mb:9,.0f} MB {each.replaced:9} {each.waiting:8.1%} {each.slowed:7.1%} {each.cost:6.1%}"
            f"  {'met' if each.is_met else 'MISSED'}{where}"
        )
    lines.append(f"{'at most':27} {MOST_MB:7,} MB {MOST_GROWTH_MB:9,} MB {'':9} {'':8} {'':7} {MOST_COST:6.1%}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
