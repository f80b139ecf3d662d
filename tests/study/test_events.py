"""Journals of every version open for ever: a frozen example of each lies in `tests/data/`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tunecli.store.journal import read_journal
from tunecli.study.events import JOURNAL_VERSION, Created, Finished, to_line
from tunecli.study.snapshot import Snapshot

DATA = Path(__file__).parent.parent / "data"


def test_there_is_an_example_of_every_version() -> None:
    assert sorted(path.name for path in DATA.glob("journal-v*.jsonl")) == [
        f"journal-v{version}.jsonl" for version in range(1, JOURNAL_VERSION + 1)
    ]


@pytest.mark.parametrize(("version", "trials", "best"), [(1, 6, 3)])
def test_an_old_journal_adds_up_as_it_did(version: int, trials: int, best: int) -> None:
    contents = read_journal(DATA / f"journal-v{version}.jsonl")
    assert not contents.is_torn
    first = contents.events[0]
    assert isinstance(first, Created)
    assert first.version == version
    snapshot = Snapshot.of(contents.events)
    assert len(snapshot.completed) == trials
    assert snapshot.best is not None
    assert snapshot.best.id == best


def test_todays_events_are_written_as_in_the_example_of_today() -> None:
    content = (DATA / f"journal-v{JOURNAL_VERSION}.jsonl").read_bytes()
    contents = read_journal(DATA / f"journal-v{JOURNAL_VERSION}.jsonl")
    assert b"".join(map(to_line, contents.events)) == content
    assert any(isinstance(event, Finished) for event in contents.events)
