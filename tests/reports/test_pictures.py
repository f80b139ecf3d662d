from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from tunecli.reports.pictures import by_magnitude, picture


def test_a_picture_is_written_when_its_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.png"
    with picture(path, title="prices of $5 and $6", rows=2, columns=2, size=(4.0, 3.0)) as axes:
        assert len(axes) == 4
        axes[0].plot([1, 2, 3])
        assert not path.exists()
    with Image.open(path) as image:
        assert image.size == (600, 450)
        assert len(set(image.convert("L").tobytes())) > 2


def test_a_picture_that_cannot_be_drawn_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), picture(path, title="a") as axes:
        axes[0].plot([1 / 0])
    assert path.read_bytes() == b"old"


def test_powers_of_ten_are_plain_numbers(tmp_path: Path) -> None:
    with picture(tmp_path / "a.png", title="a") as (axes,):
        axes.plot([1e-5, 10.0], [1e-3, 100.0])
        by_magnitude(axes, "x")
        by_magnitude(axes, "y")
        axes.figure.canvas.draw()
        labels = {label.get_text() for axis in (axes.xaxis, axes.yaxis) for label in axis.get_ticklabels(which="both")}
    assert {"0.001", "0.1", "1", "100"} <= {label.replace("\u2212", "-") for label in labels}
    assert not any("$" in label for label in labels)  # a formula, which would not be set as one
