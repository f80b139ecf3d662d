"""A study as JUnit XML, which most CI systems show as tests: a test for each trial, and for each threshold.

There is no one schema. What is written here fits that of the Jenkins xUnit plugin (junit-10.xsd) and the stricter one
of Ant (windyroad/JUnit-Schema).
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from xml.etree import ElementTree as ET  # written only: nothing foreign is parsed

from tunecli.reports.text import show_score, show_values
from tunecli.study.snapshot import Snapshot
from tunecli.study.threshold import Verdict
from tunecli.study.trial import Trial, TrialStatus

_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 has no place for, not even escaped (section 2.2)."""


def junit_xml(snapshot: Snapshot, verdicts: Sequence[Verdict], *, host: str, version: str) -> bytes:
    """Returns the document.

    Args:
        snapshot: The study; trials that have not ended are left out.
        verdicts: What came of the thresholds.
        host: The machine's name, not empty.
        version: That of tunecli.
    """
    trials = [each for each in snapshot.trials.values() if each.is_finished]
    durations = [each.outcome.duration_s for each in trials if each.outcome]
    failures = sum(each.status is TrialStatus.FAILED for each in trials) + sum(each.is_missed for each in verdicts)
    root = ET.Element("testsuites")
    suite = ET.SubElement(
        root,
        "testsuite",
        {
            "id": "0",
            "package": "tunecli",
            "name": _legal(snapshot.study),
            "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(snapshot.created_at)),
            "hostname": _legal(host),
            "tests": str(len(trials) + len(verdicts)),
            "failures": str(failures),
            "errors": "0",
            "skipped": "0",
            "time": _seconds(sum(durations)),
        },
    )
    _add_properties(suite, snapshot, version)
    for trial in trials:
        _add_trial(suite, snapshot.study, trial)
    for verdict in verdicts:
        _add_verdict(suite, snapshot.study, verdict)
    ET.SubElement(suite, "system-out").text = _legal("\n".join(_line(each, snapshot) for each in snapshot.completed))
    ET.SubElement(suite, "system-err")
    ET.indent(root)
    return bytes(ET.tostring(root, encoding="UTF-8", xml_declaration=True)) + b"\n"


def _add_properties(suite: ET.Element, snapshot: Snapshot, version: str) -> None:
    best = snapshot.best
    properties = {
        "tunecli": version,
        "objective": f"{snapshot.objective.goal} {snapshot.objective.metric}",
        "best_trial": "" if best is None else str(best.id),
        "best_score": "" if best is None or best.score is None else repr(best.score),
    }
    block = ET.SubElement(suite, "properties")
    for name, value in properties.items():
        ET.SubElement(block, "property", {"name": name, "value": _legal(value)})


def _add_trial(suite: ET.Element, study: str, trial: Trial) -> None:
    outcome = trial.outcome
    assert outcome is not None, f"trial {trial.id} has not ended"
    case = _add_case(suite, study, f"trial {trial.id}", outcome.duration_s)
    if outcome.status is TrialStatus.FAILED:
        _add_failure(case, outcome.cause, "failed", f"{outcome.cause}\n{show_values(trial.suggestion.values)}")


def _add_verdict(suite: ET.Element, study: str, verdict: Verdict) -> None:
    case = _add_case(suite, f"{study}.thresholds", f"fails if {verdict.threshold}", 0.0)
    if verdict.is_missed:
        _add_failure(case, str(verdict), "threshold", f"{verdict}, which fails: {verdict.threshold}")


def _add_case(suite: ET.Element, group: str, name: str, duration_s: float) -> ET.Element:
    named = {"classname": _legal(group), "name": _legal(name), "time": _seconds(duration_s)}
    return ET.SubElement(suite, "testcase", named)


def _add_failure(case: ET.Element, message: str, kind: str, text: str) -> None:
    ET.SubElement(case, "failure", {"message": _legal(message), "type": kind}).text = _legal(text)


def _line(trial: Trial, snapshot: Snapshot) -> str:
    values = show_values(trial.suggestion.values)
    return f"trial {trial.id}  {snapshot.objective.metric} {show_score(trial.score)}  {values}".rstrip()


def _legal(text: str) -> str:
    return _ILLEGAL.sub("", text)


def _seconds(duration_s: float) -> str:
    return f"{max(0.0, duration_s):.3f}"
