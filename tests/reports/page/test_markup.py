from __future__ import annotations

import json
import re

import pytest

from tunecli.reports.page.markup import Markup, element, joined, json_script

HOSTILE = ["</script><b>", '"><img src=x onerror=alert(1)>', "<!--<script>", "&lt;", "\u2028\u2029", "'"]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_stays_text(text: str) -> None:
    made = element("p", text, title=text)
    assert made.count("<") == 2
    assert made.count(">") == 2
    assert made.count('"') == 2


def test_elements_are_not_escaped_twice() -> None:
    assert element("p", element("b", "<"), "&") == "<p><b>&lt;</b>&amp;</p>"
    assert joined(["<", Markup("<br>")]) == "&lt;<br>"


def test_attributes() -> None:
    made = element("td", class_="a", data_trial=0, hidden=True, tabindex=None, open=False)
    assert made == '<td class="a" data-trial="0" hidden></td>'


@pytest.mark.parametrize("text", HOSTILE)
def test_a_document_ends_no_script(text: str) -> None:
    script = json_script("data", {text: [text, None, 1.5]})
    found = re.fullmatch(r'<script type="application/json" id="data">([^<>&\u2028\u2029]*)</script>', script)
    assert found is not None
    assert json.loads(found[1]) == {text: [text, None, 1.5]}


def test_what_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="Out of range"):
        json_script("data", [float("nan")])
