"""Trials as JUnit XML."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree import ElementTree as ET

import pytest

from tunecli.reports.junit import junit_xml
from tunecli.study.snapshot import Snapshot
from tunecli.study.threshold import Threshold

Make = Callable[..., Snapshot]


def read(snapshot: Snapshot, *verdicts: object) -> ET.Element:
    document = junit_xml(snapshot, list(verdicts), host="here", version="1.2")  # type: ignore[arg-type]
    assert document.startswith(b"<?xml version='1.0' encoding='UTF-8'?>")
    return ET.fromstring(document)


def test_there_is_a_test_for_each_trial_that_has_ended(make_snapshot: Make) -> None:
    root = read(make_snapshot(({"units": 64}, 0.5), ({"units": 8}, "loss is nan"), ({"units": 4}, None)))
    (suite,) = root
    assert root.tag == "testsuites"
    assert {name: suite.attrib[name] for name in ("name", "tests", "failures", "errors", "time", "timestamp")} == {
        "name": "study",
        "tests": "2",
        "failures": "1",
        "errors": "0",
        "time": "11.500",
        "timestamp": "1970-01-01T00:01:40",
    }
    good, bad = suite.findall("testcase")
    assert (good.attrib, list(good)) == ({"classname": "study", "name": "trial 0", "time": "10.000"}, [])
    failure = bad.find("failure")
    assert failure is not None
    assert failure.attrib == {"message": "loss is nan", "type": "failed"}
    assert failure.text == "loss is nan\nunits=8"


def test_thresholds_are_tests_too(make_snapshot: Make) -> None:
    figures = {"val_rmse": 0.5}
    verdicts = [Threshold.parse(each).judge(figures) for each in ("val_rmse > 0.4", "val_rmse > 0.6")]
    (suite,) = read(make_snapshot(({"units": 64}, 0.5)), *verdicts)
    assert (suite.attrib["tests"], suite.attrib["failures"]) == ("3", "1")
    missed, met = suite.findall("testcase")[1:]
    assert missed.attrib["name"] == "fails if val_rmse > 0.4"
    assert [each.attrib["message"] for each in missed] == ["val_rmse is 0.5"]
    assert list(met) == []


def test_the_order_is_that_of_the_strict_schema(make_snapshot: Make) -> None:
    (suite,) = read(make_snapshot(({"units": 64}, 0.5)))
    assert [each.tag for each in suite] == ["properties", "testcase", "system-out", "system-err"]
    assert {"id", "package", "name", "timestamp", "hostname", "tests", "failures", "errors", "time"} <= set(
        suite.attrib
    )


@pytest.mark.parametrize("text", ["</script>", "]]>", "a\x00\x1b[31m\ufffe\ud800b", "two\nlines", "&amp; <!-- -->"])
def test_whatever_a_trial_says_is_text(text: str, make_snapshot: Make) -> None:
    (suite,) = read(make_snapshot(({text.encode("utf-8", "ignore").decode(): "x"}, text)))
    failure = suite.find("testcase/failure")
    assert failure is not None
    legal = text.replace("\x00", "").replace("\x1b", "").replace("\ufffe", "").replace("\ud800", "")
    assert failure.attrib["message"] == legal
    assert (failure.text or "").startswith(legal)
