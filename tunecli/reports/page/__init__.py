"""The report as one HTML file that needs no network: `render_page(report, figures)`.

The words and tables are here, in HTML that reads well without JavaScript; `page.js` draws the figures with plotly.js,
sorts and filters; `page.css` is the look, light and dark. All of it becomes part of the file, and a Content-Security-
Policy forbids the browser to fetch anything, and to run any script but these two, known by their hashes.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Any

from tunecli.reports.page.data import page_data
from tunecli.reports.page.markup import Markup, element, joined, json_script
from tunecli.reports.page.sections import Section, sections
from tunecli.reports.report import Report
from tunecli.reports.text import show_date

if TYPE_CHECKING:
    from tunecli.reports.figures import Figure

MOST_BYTES = 5_900_000
"""What a page takes at most, as long as its tables leave room; mail and pull requests take files of that size."""

_ALLOWANCE_BYTES = 250
"""What is told of a trial beside its learning curve."""

_POLICY = (
    "default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; "
    "form-action 'none'"
)


def render_page(report: Report, figures: Sequence[Figure], *, version: str) -> str:
    """Returns a report as a page.

    Args:
        report: The study.
        figures: What is drawn.
        version: Of tunecli, which makes the page.
    """
    from plotly.offline import get_plotlyjs

    parts = sections(report, figures)
    body, drawn = joined(each.markup for each in parts), json_script("report-figures", _plots(figures))
    plotly, own = _script(get_plotlyjs()), _script(_file("page.js"))
    room = MOST_BYTES - sum(len(each.encode()) for each in (body, drawn, plotly)) - _ALLOWANCE_BYTES * len(report.rows)
    return Template(_file("page.html")).substitute(
        policy=_POLICY.format(scripts=" ".join(map(_hash, (plotly, own)))),
        title=element("title", f"{report.name}: report"),
        version=element("span", f"tunecli {version}"),
        css=_file("page.css"),
        heading=element("h1", report.name),
        subtitle=element("p", f"{report.state.value}, as of {show_date(report.made_at)}", class_="subtitle"),
        links=_links(parts),
        sections=body,
        data=json_script("report-data", page_data(report, room_bytes=room)),
        figures=drawn,
        plotly=plotly,
        script=own,
    )


def _plots(figures: Sequence[Figure]) -> Mapping[str, Any]:
    return {each.name: each.plot for each in figures if each.plot is not None}


def _links(parts: Sequence[Section]) -> Markup:
    links = [element("li", element("a", each.short, href=f"#{each.identity}")) for each in parts]
    return element("ul", *links)


def _script(text: str) -> str:
    """Returns a script that a page can hold: nothing in it ends the element."""
    assert "\r" not in text, "a browser would read other line ends than were hashed"
    return text.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _hash(script: str) -> str:
    """Returns a script as a Content-Security-Policy names it."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _file(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")
