"""HTML from parts, in which text from data cannot become anything but text.

element("td", value, class_="number")       # `value` is escaped, unless an element made it
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterable
from typing import Any


class Markup(str):
    """HTML that is done; any other text is escaped where it becomes part of a page."""

    __slots__ = ()


def element(name: str, *children: str, **attributes: str | int | bool | None) -> Markup:
    """Returns an element.

    Args:
        name: Its tag.
        children: Texts, and elements.
        attributes: By name, underscores for dashes and one behind a word of Python's; True for one without a value,
            False and None for none.
    """
    given = "".join(_attribute(key, value) for key, value in attributes.items())
    return Markup(f"<{name}{given}>{joined(children)}</{name}>")


def joined(parts: Iterable[str]) -> Markup:
    """Returns texts and elements, one behind the other."""
    return Markup("".join(map(markup, parts)))


def markup(part: str) -> Markup:
    """Returns a part as HTML: as it is if it is that already, else escaped."""
    return part if isinstance(part, Markup) else Markup(html.escape(part))


def json_script(identity: str, document: Any) -> Markup:
    """Returns a document for a script to read, in which nothing can end the element or begin another.

    Args:
        identity: The element's id.
        document: What JSON can hold.
    """
    text = json.dumps(document, separators=(",", ":"), allow_nan=False)  # ASCII alone: U+2028 is escaped too
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(f'<script type="application/json" id="{identity}">{text}</script>')


def _attribute(key: str, value: str | int | bool | None) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{html.escape(str(value))}"'
