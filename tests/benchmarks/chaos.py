"""Kills searches, their workers and their disk, again and again, and compares what comes of them with ones left alone.

    python -m tests.benchmarks chaos [TUNER …] [--parts NAME …] [--kills 20] [--seed 0] [--workers 2]

Real training through the command line, one line a part:

* kills: for each tuner the search's process is killed by SIGKILL at random moments, counted from its start, imports
  included, so that some fall before the first trial. Where a study ends before it was killed often enough, another one
  begins. Five seconds later no process below it may live. With one worker, or a tuner that does not learn from what
  has finished, the leaderboard must equal that of a search left alone, to the bit; the others must be complete. The
  same command once more must change nothing.
* workers: processes of slots are killed during 40 trials; all must end as they do undisturbed.
* long: trials of some ten seconds, which save their state every half a second, are cut off in their middle: in two
  slots by the fused engine, and by Hyperband in the search's own process. None may go back behind its saved state, or
  lose more than half a second and an epoch. Then Ctrl-C and SIGTERM, without states on the way: exit code 130 in
  time, with nothing lost at all.
* cut: the journal of a finished study is cut at every byte, opened and appended to; from random bytes (and one in the
  first line) the command goes on to the same leaderboard.
* full: the study is on a small file system (tmpfs, which only root can mount) of several sizes; each must end with exit
  code 1 and say what cannot be written, and go on to the same leaderboard when there is room.

Everywhere: ids are unique, no trial ends twice or starts once it has ended, none is lost, none fails, and each has all
its epochs. The exit code is 1 if anything was lost or came out differently.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import yaml

from tests.processes import slots_below
from tunecli.errors import TunecliError
from tunecli.store.journal import Journal, read_journal
from tunecli.store.layout import StudyLayout
from tunecli.study.events import SessionStarted
from tunecli.training.state import epoch_of

MOST_ALIVE_S = 5.0
"""How long after the death of their parent processes may live."""

MOST_STOPPING_S = 12.0
"""How long Ctrl-C may take."""

MOST_WHOLE_S = 1_800.0
"""A search that takes longer hangs."""

SAVE_EVERY_S = 0.5
"""How often long trials save their state here."""

SLACK_S = 2.0
"""By so much a busy machine may be late with that."""

WATCH_SECONDS = 0.05

EARLY = 0.25
"""The share of kills that are to fall before a search has got ready."""

TUNECLI = (sys.executable, "-m", "tunecli")
SAVING_OFTEN = (
    sys.executable,
    "-c",
    f"import tunecli.search.loop as loop; assert loop.SAVE_EVERY_S; loop.SAVE_EVERY_S = {SAVE_EVERY_S}; "
    "from tunecli.cli.main import main; main()",
)
"""The command line, with states saved on the way more often than it does by itself."""

SPACE = {
    "hidden_layers": {"min": 0, "max": 2},
    "units": {"min": 4, "max": 32, "log": True},
    "dropout": {"min": 0, "max": 0.2, "step": 0.1},
    "optimizer": ["adam", "sgd"],
    "learning_rate": {"min": 1e-4, "max": 1e-2, "log": True},
    "momentum": {"min": 0, "max": 0.9, "when": {"optimizer": "sgd"}},
}
GRID = {
    "hidden_layers": [1, 2],
    "units": [4, 8, 12, 16, 20, 24],
    "optimizer": ["adam", "sgd"],
    "momentum": {"values": [0.0, 0.9], "when": {"optimizer": "sgd"}},
}
TUNERS: dict[str, dict[str, Any]] = {
    "random": {"name": "random", "max_trials": 60},
    "grid": {"name": "grid"},
    "bayesian": {"name": "bayesian", "max_trials": 24, "num_initial_points": 6},
    "hyperband": {"name": "hyperband", "max_epochs": 27, "factor": 3},
}
LEARNING = ("bayesian", "hyperband")
"""With several workers, the order in which trials finish shapes their searches."""

Json = dict[str, Any]


class LostError(Exception):
    """A part cannot go on: a search did not do what it must."""


@dataclass
class Verdict:
    """What a part came to: counts, and what was lost or different."""

    said: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def expect(self, is_so: bool, otherwise: str) -> None:
        if not is_so:
            self.faults.append(otherwise)


@dataclass(frozen=True)
class Options:
    """What was asked for on the command line, and where studies may be made."""

    folder: Path
    kills: int
    seed: int
    workers: int

    def rng(self, part: str) -> random.Random:
        return random.Random(f"{self.seed}/{part}")


@dataclass(frozen=True)
class Study:
    """A study that a command makes and continues.

    Attributes:
        spec: The file.
        runs: The folder of the study.
        command: The command line's entry.
    """

    spec: Path
    runs: Path
    command: tuple[str, ...] = TUNECLI

    def __str__(self) -> str:
        return f"{self.spec.stem} {self.runs.name}"

    @property
    def layout(self) -> StudyLayout:
        return StudyLayout(self.runs / self.spec.stem)

    @property
    def log(self) -> Path:
        """What its last process wrote to stderr."""
        return self.spec.parent / f"{self.spec.stem}-{self.runs.name}.log"

    def elsewhere(self, name: str, command: tuple[str, ...] | None = None) -> Study:
        """Returns another study of the same spec."""
        return Study(self.spec, self.runs.with_name(name), command or self.command)

    @contextmanager
    def started(self) -> Iterator[subprocess.Popen[bytes]]:
        """Starts the search in a session of its own, which ends with the block."""
        command = [*self.command, "search", str(self.spec), "--runs", str(self.runs), "--quiet"]
        with self.log.open("wb") as log:
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=log, start_new_session=True)
        try:
            yield process
        finally:
            for each in session_of(process.pid):
                each.kill()
            process.wait()

    def finish(self, look: Callable[[], None] | None = None) -> None:
        """Runs the search to its end.

        Raises:
            LostError: It fails, or hangs.
        """
        with self.started() as process:
            if not ends_within(process, MOST_WHOLE_S, look):
                raise LostError(f"{self}: did not end in {MOST_WHOLE_S:g} s")
        self.require(process, 0)

    def require(self, process: subprocess.Popen[bytes], code: int) -> None:
        """Makes sure that a process has ended with an exit code.

        Raises:
            LostError: It has not.
        """
        if process.returncode != code:
            said = self.log.read_text(errors="replace")[-1000:]
            raise LostError(f"{self}: exit code {process.returncode} instead of {code}: {said}")

    def events(self) -> list[Json]:
        """Returns the whole lines of the journal."""
        path = self.layout.journal
        return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]] if path.exists() else []

    def leaderboard(self) -> list[Json]:
        """Returns what `best` has to say of all trials.

        Raises:
            LostError: It fails.
        """
        command = [*TUNECLI, "best", self.spec.stem, "--runs", str(self.runs), "--top", "9999", "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise LostError(f"{self}: best ended with {done.returncode}: {done.stderr}")
        trials: list[Json] = json.loads(done.stdout)["trials"]
        return trials

    def running(self) -> set[int]:
        """Returns the trials that were started and have not ended."""
        about: dict[str, set[int]] = {"started": set(), "finished": set()}
        for event in self.events():
            about.get(event["event"], set()).add(event.get("trial", -1))
        return about["started"] - about["finished"]


class Watch:
    """Looks on while a search is killed again and again."""

    def look(self) -> None:
        """Is called all the time while the search runs."""

    def killed(self) -> None:
        """Is called after each kill."""


@dataclass
class Killer:
    """Kills searches at random moments: some while they get ready, the others within a stretch behind that.

    Attributes:
        most: How many kills there are to be.
        rng: Decides.
        verdict: Told of processes that do not die.
        startup_s: From the start of a process to its first trial; it grows with what must be replayed.
        stretch_s: How long searches are let work at most.
        early: The share of kills that fall into the former.
        kills: How often a living search was killed.
        kills_before_trials: How often that was before its first trial.
        gone_s: How long some process below a killed one lived on, at most.
    """

    most: int
    rng: random.Random
    verdict: Verdict
    startup_s: float
    stretch_s: float
    early: float = EARLY
    kills: int = 0
    kills_before_trials: int = 0
    gone_s: float = 0.0

    @property
    def is_done(self) -> bool:
        return self.kills >= self.most

    def run(self, study: Study, watch: Watch) -> None:
        """Kills a search until it ends, or was killed often enough and is let go on.

        Raises:
            LostError: It fails, or hangs.
        """
        while not self.is_done:
            with study.started() as process:
                began, moment = time.time(), self._moment()
                if ends_within(process, moment, watch.look):
                    break
                self.gone_s = max(self.gone_s, kill(process, self.verdict))
            self.kills += 1
            starts = starts_of_session(study.events(), process.pid)
            self.kills_before_trials += not starts
            self.startup_s = starts[0] - began if starts else max(self.startup_s, moment)
            watch.killed()
        else:
            study.finish(watch.look)
            return
        study.require(process, 0)

    def line(self) -> str:
        return (
            f"{self.kills} kills ({self.kills_before_trials} before the first trial), "
            f"processes gone within {self.gone_s:.2f} s"
        )

    def _moment(self) -> float:
        if self.rng.random() < self.early:
            return self.rng.uniform(0, self.startup_s)
        return self.startup_s + self.rng.uniform(0, self.stretch_s)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tuners", nargs="*", metavar="TUNER", help=f"For `kills`: {', '.join(TUNERS)}; default: all.")
    parser.add_argument("--parts", nargs="+", choices=["kills", *PARTS], default=["kills", *PARTS])
    parser.add_argument("--kills", type=int, default=20, help="How many of each kind.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    if unknown := set(arguments.tuners) - set(TUNERS):
        parser.error(f"unknown tuners: {', '.join(unknown)}")
    verdicts = []
    with tempfile.TemporaryDirectory() as folder:
        for name, part in parts(arguments.parts, arguments.tuners or list(TUNERS)):
            began, verdict = time.monotonic(), Verdict()
            own_folder = Path(folder) / name  # parts have studies of the same names
            own_folder.mkdir()
            options = Options(own_folder, arguments.kills, arguments.seed, arguments.workers)
            try:
                part(options, verdict)
            except LostError as error:
                verdict.faults.append(str(error))
            outcome = "nothing lost" if not verdict.faults else f"LOST: {' | '.join(verdict.faults)}"
            print(f"{name:17} {time.monotonic() - began:4.0f} s  {'; '.join([*verdict.said, outcome])}", flush=True)
            verdicts.append(verdict)
    sys.exit(1 if any(verdict.faults for verdict in verdicts) else 0)


Part = Callable[[Options, Verdict], None]


def parts(names: Sequence[str], tuners: Sequence[str]) -> Iterator[tuple[str, Part]]:
    for name in names:
        if name == "kills":
            yield from ((f"kills {tuner}", partial(kills, tuner)) for tuner in tuners)
        else:
            yield name, PARTS[name]


def kills(tuner: str, options: Options, verdict: Verdict) -> None:
    """Kills searches of a tuner at random moments."""
    whole = short_study(options, tuner, TUNERS[tuner])
    killer = killer_of(whole, options.kills, options.rng(f"kills {tuner}"), verdict)
    expected, studies, left = whole.leaderboard(), 0, 0
    while not killer.is_done:
        studies += 1
        study = whole.elsewhere(f"killed-{studies}")
        killer.run(study, Watch())
        verdict.faults += faults_of(study)
        left += sum(1 for _ in study.runs.rglob(".*.tmp"))
        found, events = study.leaderboard(), trials_of(study)
        if tuner in LEARNING and options.workers > 1:
            verdict.expect(len(found) == len(expected), f"{study}: {len(found)} trials of {len(expected)}")
        else:
            verdict.expect(found == expected, f"{study}: another leaderboard")
        study.finish()
        verdict.expect((study.leaderboard(), trials_of(study)) == (found, events), f"{study}: changed by a rerun")
    verdict.said += [f"{len(expected)} trials", killer.line(), f"{studies} studies"]
    if left:
        verdict.said.append(f"{left} half-written files left behind")


def killer_of(whole: Study, most: int, rng: random.Random, verdict: Verdict, *, early: float = EARLY) -> Killer:
    """Runs a search to its end, left alone, and returns what kills others like it often enough until they are done."""
    began = time.time()
    whole.finish()
    startup_s = first_start(whole.events()) - began
    work_s = time.time() - began - startup_s
    return Killer(most, rng, verdict, startup_s, stretch_s=max(2.0, 2.5 * work_s / most), early=early)


def first_start(events: Sequence[Json]) -> float:
    """Returns when the first trial was started."""
    return min(float(event["at"]) for event in events if event["event"] == "started")


def ends_within(process: subprocess.Popen[bytes], seconds: float, look: Callable[[], None] | None = None) -> bool:
    """Waits until a process ends, or for so long, and looks on; says whether it has ended."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        with suppress(subprocess.TimeoutExpired):
            process.wait(min(left, WATCH_SECONDS))
            return True
        if look is not None:
            look()
    return process.poll() is not None


def kill(process: subprocess.Popen[bytes], verdict: Verdict) -> float:
    """Kills a search; returns how long it took until nothing below it lived."""
    family = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    began = time.monotonic()
    while left := [each for each in {*family, *session_of(process.pid)} if is_alive(each)]:
        if time.monotonic() - began > MOST_ALIVE_S:
            verdict.faults.append(f"processes outlived a killed search: {', '.join(map(str, left))}")
            break
        time.sleep(0.01)
    return time.monotonic() - began


def session_of(leader: int) -> list[psutil.Process]:
    """Returns the living processes of the session that a process began, whoever their parents are now."""
    found = []
    for pid in psutil.pids():
        with suppress(OSError, psutil.Error):
            if os.getsid(pid) == leader and is_alive(process := psutil.Process(pid)):
                found.append(process)
    return found


def is_alive(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def starts_of_session(events: Sequence[Json], pid: int) -> list[float]:
    """Returns when the session of a process, the last one, started trials."""
    begun = [index for index, event in enumerate(events) if event["event"] == "session_started"]
    if not begun or events[begun[-1]]["pid"] != pid:
        return []
    return [float(event["at"]) for event in events[begun[-1] :] if event["event"] == "started"]


def workers(options: Options, verdict: Verdict) -> None:
    """Kills processes of slots at random moments."""
    tuner = {"name": "random", "max_trials": 40}
    # a trial of a second or two, so that workers are killed at their work
    limits = {"retries": 100, "workers": max(2, options.workers)}
    whole = short_study(options, "workers", tuner, limits, {"epochs": 30, "engine": "keras"})
    began = time.time()
    whole.finish()
    warm_s, expected = first_start(whole.events()) - began, whole.leaderboard()
    rng, studies, count, again = options.rng("workers"), 0, 0, 0
    while count < options.kills:
        studies += 1
        study = whole.elsewhere(f"shot-{studies}")
        with study.started() as process:
            while not ends_within(process, rng.uniform(0, 2 * warm_s)):
                count += kill_slot(process, rng)
        study.require(process, 0)
        verdict.faults += faults_of(study)
        verdict.expect(study.leaderboard() == expected, f"{study}: another leaderboard")
        attempts = Counter(event["trial"] for event in study.events() if event["event"] == "started")
        again += attempts.total() - len(attempts)
    verdict.said += [
        f"{len(expected)} trials",
        f"{count} workers killed, {again} trials run again",
        f"{studies} studies",
    ]


def kill_slot(process: subprocess.Popen[bytes], rng: random.Random) -> bool:
    """Kills one of the processes that serve slots, if there is one; says whether it did."""
    with suppress(psutil.Error):
        if slots := slots_below(psutil.Process(process.pid)):
            rng.choice(slots).kill()
            return True
    return False


def long(options: Options, verdict: Verdict) -> None:
    """Kills searches in the middle of their trials, and stops one in order."""
    in_slots, in_parent = long_in_slots(options), long_in_parent(options)
    for whole in (in_slots, in_parent):
        rng, watch, studies = options.rng(f"long {whole.spec.stem}"), StateWatch(verdict), 0
        killer = killer_of(whole, max(1, options.kills // 2), rng, verdict, early=0)
        while not killer.is_done:
            studies += 1
            study = watch.study = whole.elsewhere(f"cut-off-{studies}", SAVING_OFTEN)
            watch.saved = {}
            killer.run(study, watch)
            verdict.faults += faults_of(study)
            verdict.expect(study.leaderboard() == whole.leaderboard(), f"{study}: another leaderboard")
        verdict.said += [f"{whole.spec.stem}: {killer.line()}", watch.line()]
    interrupt(in_slots, options.rng("interrupt"), verdict)


class StateWatch(Watch):
    """Sees that trials which were cut off go on from their saved states.

    Attributes:
        study: Which is killed now.
        saved: Epochs behind the state of each trial that was running at the last kill.
    """

    study: Study

    def __init__(self, verdict: Verdict) -> None:
        self.saved: dict[int, int] = {}
        self._verdict = verdict
        self._continued = 0
        self._anew = 0
        self._lost_s = 0.0

    def look(self) -> None:
        """Looks at the running trials."""
        for trial, epochs in list(self.saved.items()):
            last = last_epoch(self.study, trial)
            if last < epochs:
                self._verdict.faults.append(f"trial {trial} went back to epoch {last} behind its state of {epochs}")
                del self.saved[trial]

    def killed(self) -> None:
        """Takes in what a kill has left."""
        self.saved = {}
        for trial in self.study.running():
            state, measured = self.study.layout.trial(trial).state, measurements(self.study, trial)
            epochs = epoch_of(state) if state.exists() else None
            if epochs is not None:
                self.saved[trial] = epochs
            self._continued += epochs is not None
            self._anew += epochs is None
            durations = [each["duration_s"] for each in measured if epochs is None or each["epoch"] > epochs]
            self._lost_s = max(self._lost_s, sum(durations))
            most = SAVE_EVERY_S + max((each["duration_s"] for each in measured), default=0.0) + SLACK_S
            self._verdict.expect(sum(durations) <= most, f"trial {trial} lost {sum(durations):.1f} s of training")

    def line(self) -> str:
        return (
            f"{self._continued} trials cut off with a state and {self._anew} before the first, "
            f"at most {self._lost_s:.1f} s lost"
        )


def interrupt(whole: Study, rng: random.Random, verdict: Verdict) -> None:
    """Stops a search in order, in the middle of its trials: as Ctrl-C does, then as `kill` does."""
    study, watch, taken, cut_off = whole.elsewhere("interrupted"), StateWatch(verdict), [], 0
    watch.study = study
    for send, signum in ((os.killpg, signal.SIGINT), (os.kill, signal.SIGTERM)):
        before = {trial: last_epoch(study, trial) for trial in study.running()}
        with study.started() as process:
            while not all_advanced(study, before):
                if ends_within(process, WATCH_SECONDS, watch.look):
                    raise LostError(f"{study}: ended before it was stopped")
            if ends_within(process, rng.uniform(0.5, 2), watch.look):
                raise LostError(f"{study}: ended before it was stopped")
            send(process.pid, signum)
            began = time.monotonic()
            verdict.expect(ends_within(process, MOST_WHOLE_S, watch.look), f"{study}: does not stop")
            taken.append(time.monotonic() - began)
        study.require(process, 130)
        verdict.expect(taken[-1] <= MOST_STOPPING_S, f"{study}: took {taken[-1]:.1f} s to stop by {signum.name}")
        verdict.expect("the same command continues" in study.log.read_text(), f"{study}: does not say how to go on")
        watch.killed()
        measured = {trial: last_epoch(study, trial) for trial in study.running()}
        verdict.expect(watch.saved == measured, f"{study}: {measured} epochs measured, {watch.saved} saved")
        cut_off += len(measured)
    study.finish(watch.look)
    verdict.faults += faults_of(study)
    verdict.expect(study.leaderboard() == whole.leaderboard(), f"{study}: another leaderboard")
    verdict.said.append(f"Ctrl-C and SIGTERM: {cut_off} trials saved, stopped within {max(taken):.1f} s")


def all_advanced(study: Study, before: dict[int, int]) -> bool:
    """Says whether trials run, and all of them have measured an epoch in this session."""
    running = study.running()
    return bool(running) and all(last_epoch(study, trial) > before.get(trial, 0) for trial in running)


def cut(options: Options, verdict: Verdict) -> None:
    """Cuts a study's journal."""
    whole = short_study(options, "cut", {"name": "random", "max_trials": 12})
    whole.finish()
    content, expected, rng = whole.layout.journal.read_bytes(), whole.leaderboard(), options.rng("cut")
    for size in range(len(content) + 1):
        verdict.faults += faults_of_cut(whole.layout.journal, size, options.folder / "journal.jsonl")
    verdict.said.append(f"{len(content):,} bytes cut and appended to")
    first_line = content.index(b"\n") + 1
    sizes = [rng.randrange(first_line), *(rng.randrange(first_line, len(content)) for _ in range(options.kills - 1))]
    for size in sizes:
        study = whole.elsewhere(f"cut-at-{size}")
        shutil.copytree(whole.runs, study.runs, dirs_exist_ok=True)
        study.layout.journal.write_bytes(content[:size])
        if size < first_line:  # this early, nothing else was there yet
            shutil.rmtree(study.layout.folder / "trials")
            for path in (study.layout.data, study.layout.environment):
                path.unlink()
        study.finish()
        verdict.faults += faults_of(study)
        verdict.expect(study.leaderboard() == expected, f"{study}: another leaderboard")
    verdict.said.append(f"{len(sizes)} searches gone on from a cut journal")


def faults_of_cut(journal: Path, size: int, copy: Path) -> list[str]:
    """Cuts a copy of a journal after so many bytes, and appends to it what came next; returns what is wrong with it."""
    content = journal.read_bytes()
    events, kept = read_journal(journal).events, content[:size].count(b"\n")
    following = events[kept] if kept < len(events) else SessionStarted(at=0.0, host="", pid=0, tunecli="")
    copy.write_bytes(content[:size])
    found = []
    try:
        with Journal(copy) as cut_journal:
            if tuple(cut_journal.events) != events[:kept]:
                found.append("more than a record is lost")
            cut_journal.append(following)
        again = read_journal(copy)
        if again.is_torn or again.events != (*events[:kept], following):
            found.append("what was appended is not read back")
    except TunecliError as error:
        found.append(str(error))
    return [f"cut after {size} bytes: {each}" for each in found]


PAGE_BYTES = 4096
"""The smallest part of a tmpfs; a file takes one at least."""

ROOMY = "size=64m,nr_inodes=10000"
"""Room enough; where files were not counted, remounting cannot begin to."""


def full(options: Options, verdict: Verdict) -> None:
    """Lets searches run out of room."""
    place = options.folder / "small"
    place.mkdir()
    if not is_mounted(place, ROOMY):
        verdict.said.append("skipped: cannot mount a small file system")
        return
    stopped_at: Counter[str] = Counter()
    try:
        study = Study(short_study(options, "full", {"name": "random", "max_trials": 12}).spec, place / "runs")
        study.finish()
        expected, rng, rooms = study.leaderboard(), options.rng("full"), narrow_rooms(place)
        for room in rng.sample(rooms, min(options.kills, len(rooms))):
            shutil.rmtree(study.runs)
            if not is_mounted(place, f"remount,{room}"):
                raise LostError(f"cannot mount a file system with {room}")
            stopped_at[run_out_of_room(study, room, verdict)] += 1
            is_mounted(place, f"remount,{ROOMY}")
            study.finish()
            verdict.faults += faults_of(study)
            verdict.expect(study.leaderboard() == expected, f"{room}: another leaderboard")
    finally:
        subprocess.run(["umount", str(place)], check=False)
    where = ", ".join(f"{name} {count}" for name, count in stopped_at.most_common())
    verdict.said.append(f"{stopped_at.total()} writes failed ({where})")


def narrow_rooms(place: Path) -> list[str]:
    """Returns options of file systems that have too little room for what lies in a folder: few bytes, or few files."""
    pages = shutil.disk_usage(place).used // PAGE_BYTES
    files = sum(1 for _ in place.rglob("*"))
    # a search's first files one by one, then its trials'
    sizes = [*range(1, 11), *range(12, pages, max(1, pages // 6))]
    counts = [*range(2, 14, 2), *range(14, files, max(1, files // 4))]
    return [
        *(f"size={size * PAGE_BYTES}" for size in sizes),
        *(f"nr_inodes={count}" for count in counts),
    ]


def run_out_of_room(study: Study, room: str, verdict: Verdict) -> str:
    """Runs a search where there is too little room, and returns the name of the file that it stopped at."""
    with study.started() as process:
        if not ends_within(process, MOST_WHOLE_S):
            raise LostError(f"{room}: did not end in {MOST_WHOLE_S:g} s")
    said = study.log.read_text(errors="replace")
    verdict.expect(process.returncode == 1, f"{room}: exit code {process.returncode}")
    verdict.expect("cannot be written" in said, f"{room}: says {said[-500:].strip()}")
    verdict.expect("Traceback" not in said, f"{room}: a traceback")
    return re.sub(r"-\d+", "", Path(said.split(": ")[0]).name)


def is_mounted(place: Path, options: str) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(place)]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def short_study(
    options: Options, name: str, tuner: Json, limits: Json | None = None, training: Json | None = None
) -> Study:
    """Returns a study of trials of about half a second."""
    spec = {
        "dataset": "advertising",
        "model": "mlp",
        "search_space": GRID if tuner["name"] == "grid" else SPACE,
        "tuner": tuner,
        "training": {"epochs": 9, "early_stopping": {"patience": 3}, **(training or {})},
        "limits": {"threads": 1, "workers": options.workers, **(limits or {})},
        "baselines": False,
    }
    return written(options, name, spec)


def long_in_slots(options: Options) -> Study:
    """Returns a study of trials of some ten seconds, whose programs take 20,000 rows through an epoch."""
    rng = random.Random(0)
    names = [f"x{number}" for number in range(8)]
    rows = [[rng.uniform(-1, 1) for _ in names] for _ in range(20_000)]
    lines = [",".join([*names, "y"]), *(",".join(map(str, [*row, row[0] * row[1] + row[2]])) for row in rows)]
    (options.folder / "rows.csv").write_text("\n".join(lines) + "\n")
    spec = {
        "dataset": {"name": "csv", "path": "rows.csv", "target": "y", "task": "regression"},
        "model": "mlp",
        "search_space": {
            "hidden_layers": {"min": 2, "max": 3},
            "units": {"min": 32, "max": 128},
            "dropout": {"min": 0.1, "max": 0.3},
            "optimizer": ["adam", "sgd"],
            "learning_rate": {"min": 1e-4, "max": 1e-2, "log": True},
        },
        "tuner": {"name": "random", "max_trials": 6},
        "training": {"epochs": 250, "engine": "fused", "early_stopping": {"patience": 200}},
        "limits": {"threads": 1, "workers": max(2, options.workers)},
        "baselines": False,
    }
    return written(options, "slots", spec)


def long_in_parent(options: Options) -> Study:
    """Returns a study of promoted trials of some seconds, which runs in the search's own process."""
    spec = {
        "dataset": "advertising",
        "model": "mlp",
        "search_space": {name: SPACE[name] for name in ("units", "dropout", "learning_rate")},
        "tuner": {"name": "hyperband", "max_epochs": 60, "factor": 8},
        "training": {"engine": "keras", "batch_size": 4, "early_stopping": {"patience": 50}},
        "limits": {"threads": 1, "workers": 1},
        "baselines": False,
    }
    return written(options, "hyperband", spec)


def written(options: Options, name: str, spec: Json) -> Study:
    path = options.folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(spec, sort_keys=False), encoding="utf-8")
    return Study(path, options.folder / name / "whole")


def trials_of(study: Study) -> list[Json]:
    """Returns all events that are about a trial."""
    return [event for event in study.events() if "trial" in event or event.get("suggestion")]


def faults_of(study: Study) -> list[str]:
    """Returns what is wrong with a study that has ended: trials twice, lost, failed, or without their epochs."""
    found = []
    asked: dict[int, Json] = {}
    ended: dict[int, Json] = {}
    for event in study.events():
        if suggestion := event.get("suggestion"):
            if suggestion["trial"] in asked:
                found.append(f"trial {suggestion['trial']} was asked for twice")
            asked[suggestion["trial"]] = suggestion
        elif event["event"] in ("started", "finished") and event["trial"] in ended:
            found.append(f"trial {event['trial']} {event['event']} after it had ended")
        if event["event"] == "finished":
            ended[event["trial"]] = event["outcome"]
    found += [f"trial {trial} is lost" for trial in range(max(asked, default=-1) + 1) if trial not in ended]
    for trial, outcome in ended.items():
        if outcome["status"] != "completed":
            found.append(f"trial {trial} failed: {outcome['cause']}")
        epochs = [each["epoch"] for each in measurements(study, trial)]
        if epochs != list(range(asked[trial]["start_epoch"] + 1, outcome["epochs_run"] + 1)):
            found.append(f"trial {trial} has epochs {epochs} of {outcome['epochs_run']}")
    last = study.events()[-1]
    if last.get("reason") != "exhausted":
        found.append(f"ended with {last}")
    return [f"{study}: {each}" for each in found]


def measurements(study: Study, trial: int) -> list[Json]:
    """Returns what a trial has measured so far."""
    path = study.layout.trial(trial).epochs
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]] if path.exists() else []


def last_epoch(study: Study, trial: int) -> int:
    found = measurements(study, trial)
    return found[-1]["epoch"] if found else 0


PARTS: dict[str, Part] = {"workers": workers, "long": long, "cut": cut, "full": full}
"""By name; `kills`, which is done for each tuner, comes before them."""


if __name__ == "__main__":
    main()
