"""Folders of images of one's own, from the command line."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from tunecli.datasets import DATASETS
from tunecli.datasets.base import DatasetOptions
from tunecli.datasets.fashion_mnist import CLASSES
from tunecli.datasets.fetch import cache_folder
from tunecli.training.data import load

Cli = Callable[..., tuple[int, str, str]]


def write(dataset: dict[str, Any], **changes: Any) -> str:
    given = {"name": "image_folder", "path": "photos", "image_size": [8, 8], **dataset}
    document = {
        "name": "own",
        "dataset": {name: value for name, value in given.items() if value is not None},
        "model": "linear",
        "search_space": {"learning_rate": [0.001, 0.01]},
        "tuner": "grid",
        "training": {"epochs": 1, "batch_size": 64},
        "limits": {"workers": 1},
        "baselines": False,
        **changes,
    }
    Path("own.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
    return "own.yaml"


def draw(path: str, level: int = 0, *, size: tuple[int, int] = (10, 12), mode: str = "RGB") -> Path:
    """Writes an image of one level, of a size (height, width)."""
    file = Path("photos") / path
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full(size, level, dtype=np.uint8)).convert(mode).save(file)
    return file


@pytest.fixture
def photos() -> None:
    """Ten images each of cats and dogs, all of other levels."""
    for number in range(20):
        draw(f"{'cat' if number < 10 else 'dog'}/{number:02}.png", 10 * number)


def options(**changes: Any) -> DatasetOptions:
    return DatasetOptions(**{"path": str(Path("photos").resolve()), "image_size": (8, 8), **changes})


def pixels(**changes: Any) -> np.ndarray:
    images = DATASETS.load("image_folder").load(options(**changes)).columns.images
    assert images is not None
    return images


def test_a_folder_with_parts_is_searched_retrained_and_tested(cli: Cli, real_data: Path) -> None:
    fashion = DATASETS.load("fashion_mnist").load(DatasetOptions())
    assert fashion.columns.images is not None
    rows = [*range(300), *range(60_000, 60_060)]
    for row in rows:
        part = "train" if row < 250 else "val" if row < 60_000 else "test"
        name = CLASSES[fashion.target[row]].replace("/", " or ")
        path = Path("photos", part, name, f"{row}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(fashion.columns.images[row, :, :, 0]).save(path)
    spec = write({"image_size": [28, 28], "channels": 1})
    assert cli("search", spec, "--quiet")[0] == 0
    code, out, _ = cli("retrain", "--full", "--json")
    assert code == 0
    assert json.loads(out)["dataset"]["rows"] == {"train": 250, "validation": 50, "test": 60}
    loaded = DATASETS.load("image_folder").load(options(image_size=(28, 28), channels=1))
    assert loaded.classes == tuple(sorted(name.replace("/", " or ") for name in CLASSES))
    assert loaded.columns.images is not None
    for position in (0, 150, 320):  # the very pixels, in the rows that the names say
        name = loaded.classes[loaded.target[position]].replace(" or ", "/")
        same = (fashion.columns.images[rows] == loaded.columns.images[position]).all(axis=(1, 2, 3))
        assert [CLASSES[code] for code in fashion.target[np.array(rows)[same]]] == [name]


@pytest.mark.usefixtures("photos")
def test_what_is_in_the_folder_is_said_without_opening_an_image(cli: Cli) -> None:
    for path in Path("photos").rglob("*.png"):
        path.write_bytes(b"")
    Path("photos/README.txt").write_text("cats and dogs")
    Path("photos/cat/notes.txt").write_text("cats")
    Path("photos/dog/Thumbs.db").write_bytes(b"\x00")
    Path("photos/.hidden").mkdir()
    code, out, err = cli("validate", write({}), "--json")
    assert code == 0
    assert "3 files in" in err
    assert "are ignored: 2 .txt, 1 .db" in err
    plan = json.loads(out)["plan"]
    assert plan["task"] == "binary"
    assert plan["dataset"]["options"]["image_size"] == [8, 8]
    assert "notes" not in plan


def test_images_are_brought_to_one_size_colour_and_way_up() -> None:
    draw("a/grey.png", 200, size=(3, 50))
    image = Image.new("RGB", (20, 10), (255, 0, 0))
    image.paste((0, 0, 255), (10, 0, 20, 10))  # red on the left, blue on the right
    turned = image.getexif()
    turned[0x0112] = 3  # upside down: what a camera writes that was held so
    image.save("photos/a/turned.png", exif=turned)
    draw("b/palette.gif", 90, mode="P")
    Image.fromarray(np.full((6, 6), 200 << 8, dtype=np.uint16)).save("photos/b/sixteen.png")
    images = pixels()
    assert images.shape == (4, 8, 8, 3)
    assert (images[0] == 200).all()
    assert images[1, 0, 0].tolist() == [0, 0, 255]
    assert images[1, 0, -1].tolist() == [255, 0, 0]
    assert (images[2] == 90).all()
    assert (images[3] == 200).all()
    assert pixels(channels=1).shape == (4, 8, 8, 1)


def test_classes_that_are_numbers_are_in_the_order_of_their_size() -> None:
    for number in (10, 2, 1):
        draw(f"{number}/a.png", number)
    assert DATASETS.load("image_folder").describe(options()).classes == ("1", "2", "10")
    assert pixels()[:, 0, 0, 0].tolist() == [1, 2, 10]


@pytest.mark.usefixtures("photos")
def test_images_are_decoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = np.array(pixels())
    (entry,) = (cache_folder() / "images").iterdir()
    with monkeypatch.context() as patched:
        patched.setattr("tunecli.datasets.image_cache.read_image", None)
        np.testing.assert_array_equal(pixels(), first)
        assert pixels().flags.writeable is False
    damaged = bytearray((entry / "images.npy").read_bytes())
    damaged[-1] ^= 1
    (entry / "images.npy").write_bytes(damaged)
    np.testing.assert_array_equal(pixels(), first)
    (entry / "about.json").write_text("{")
    np.testing.assert_array_equal(pixels(), first)
    (entry / "images.npy").unlink()
    np.testing.assert_array_equal(pixels(), first)
    assert [each.name for each in (cache_folder() / "images").iterdir()] == [entry.name]
    assert sorted(each.name for each in entry.iterdir()) == ["about.json", "images.npy"]
    draw("cat/00.png", 250)
    assert (pixels()[0] == 250).all()
    monkeypatch.setattr("tunecli.datasets.table_cache.MOST_BYTES", 5_000)
    draw("cat/00.png", 240)
    assert (pixels()[0] == 240).all()
    (left,) = (cache_folder() / "images").iterdir()
    assert left != entry, "the older ones have made room"


@pytest.mark.usefixtures("photos")
def test_a_cache_that_cannot_be_written_says_so(cli: Cli) -> None:
    cache_folder().parent.mkdir(parents=True, exist_ok=True)
    cache_folder().write_text("a file in its place")
    code, _, err = cli("search", write({}), "--quiet")
    assert (code, "the cache cannot be written" in err, "XDG_CACHE_HOME" in err) == (3, True, True), err


def png(width: int, height: int, content: bytes) -> bytes:
    """Returns a PNG file that claims to be of a size."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(content)) + chunk(b"IEND", b"")


@pytest.mark.usefixtures("photos")
def test_broken_images_are_named_and_bombs_are_not_opened(cli: Cli) -> None:
    Path("photos/cat/bomb.png").write_bytes(png(60_000, 60_000, bytes(100)))
    Path("photos/cat/large.png").write_bytes(png(11_000, 10_000, bytes(100)))
    noise = np.random.default_rng(0).integers(0, 256, (40, 40), dtype=np.uint8)
    Image.fromarray(noise).save("photos/dog/cut.png")
    Path("photos/dog/cut.png").write_bytes(Path("photos/dog/cut.png").read_bytes()[:900])
    Path("photos/dog/page.jpg").write_text("<html>not found</html>")
    code, _, err = cli("search", write({}), "--quiet")
    assert code == 3
    assert "4 of 24 images cannot be used" in err
    assert "cat/bomb.png claims to be of more than 100,000,000 pixels: it is not opened" in err
    assert "cat/large.png claims to be of more than" in err
    assert "dog/cut.png cannot be decoded" in err
    assert "dog/page.jpg is no image" in err
    assert not Path("runs/own").exists()
    assert [path for path in cache_folder().rglob("*") if path.is_file()] == []


def test_a_script_in_the_guise_of_an_image_is_not_run() -> None:
    """Pillow hands PostScript to Ghostscript, whatever the file is called."""
    for name in ("a/1.png", "b/2.png"):
        draw(name)
    Path("photos/a/0.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n")
    with pytest.raises(Exception, match=r"a/0\.png is no image"):
        pixels()


@pytest.mark.usefixtures("photos")
@pytest.mark.parametrize("kind", ["file", "folder", "class", "up", "nothing", "circle"])
def test_links_that_lead_out_of_the_folder_are_refused(kind: str, cli: Cli) -> None:
    outside = Path("secret")
    outside.mkdir()
    (outside / "key.png").write_bytes(Path("photos/cat/00.png").read_bytes())
    link, target = {
        "file": ("photos/cat/z.png", outside / "key.png"),
        "folder": ("photos/cat/more", outside),
        "class": ("photos/emu", outside),
        "up": ("photos/cat/more", Path("photos/cat")),
        "nothing": ("photos/cat/z.png", Path("nowhere.png")),
        "circle": ("photos/cat/z.png", Path("photos/cat/z.png")),
    }[kind]
    Path(link).symlink_to(target.resolve() if kind != "circle" else target.absolute())
    code, _, err = cli("validate", write({}))
    assert code == 3
    assert f"{Path(link).absolute()}: is a link " in err


@pytest.mark.usefixtures("photos")
def test_a_link_to_an_image_in_the_folder_is_one() -> None:
    Path("photos/dog/again.png").symlink_to("../cat/01.png")
    assert (pixels()[-1] == 10).all()


@pytest.mark.parametrize(
    ("files", "dataset", "code", "message"),
    [
        ([], {}, 3, "no such folder"),
        (["a.png"], {}, 3, "has no folders of images"),
        (["a/a.png"], {}, 3, "has one class alone, 'a'"),
        (["a/a.png", "b/b.txt"], {}, 3, "photos/b: holds no images"),
        (["train/a/a.png", "train/b/b.png", "test/c/c.png"], {}, 3, "the class 'c' is in test/ alone"),
        (["train/a/a.png", "train/b/b.png", "tset/a/a.png"], {}, 3, "'tset' is neither a part nor a class"),
        (["train/a/a.png", "train/b/b.png", "test/a/a.png"], {"test": 0.1}, 2, "has a test part of its own"),
        (["train/a/a.png", "train/b/b.png", "val/a/a.png"], {"validation": 0.1}, 2, "has a validation part of its own"),
        (["train/a/a.png", "train/b/b.png", "val/a/a.png", "valid/a/a.png"], {}, 3, "'valid' is neither a part nor"),
        (["a/a.png", "b/b.png"], {"image_size": None}, 2, "a/a.png has [10, 12]"),
        (["a/a.png", "b/b.png"], {"image_size": [0, 8]}, 2, "0 is below 1"),
        (["a/a.png", "b/b.png"], {"image_size": [8]}, 2, "image_size"),
        (["a/a.png", "b/b.png"], {"channels": 2}, 2, "2 is not one of 1, 3"),
        (["a/a.png", "b/b.png"], {"task": "regression"}, 2, "folders are classes"),
        (["a/a.png", "b/b.png", "c/c.png"], {"task": "binary"}, 2, "there are 3 classes"),
        (["a/a.png", "b/b.png"], {"target": "class"}, 2, "image_folder takes no target"),
        (["a/a.png", "b/b.png"], {"image_size": [9_000_000, 9_000_000]}, 0, ""),
    ],
)
def test_what_is_wrong_with_a_folder_is_said(
    files: list[str], dataset: dict[str, Any], code: int, message: str, cli: Cli
) -> None:
    for name in files:
        if name.endswith(".txt"):
            path = Path("photos", name)
            path.parent.mkdir(parents=True)
            path.touch()
        else:
            draw(name)
    found, _, err = cli("validate", write(dataset))
    assert (found, message in err) == (code, True), err


@pytest.mark.usefixtures("photos")
def test_images_that_no_memory_holds_are_refused(cli: Cli) -> None:
    code, _, err = cli("search", write({"image_size": [9_000_000, 9_000_000]}), "--quiet")
    assert (code, "of memory" in err) == (3, True), err


def test_names_of_classes_may_be_anything(cli: Cli) -> None:
    names = ("<script>alert(1)<∕script>", "=1+1", "__proto__", "naïve 猫")
    for number in range(40):
        draw(f"{names[number % 4]}/{number}.png")
    assert cli("search", write({}), "--quiet")[0] == 0
    assert cli("retrain", "--full", "--quiet")[0] == 0
    assert DATASETS.load("image_folder").describe(options()).classes == names


@pytest.mark.usefixtures("photos")
def test_other_images_are_refused_when_a_study_goes_on(cli: Cli) -> None:
    spec = write({})
    assert cli("search", spec, "--quiet")[0] == 0
    draw("cat/00.png", 99)
    load.cache_clear()  # of this process, which a second command would not share
    code, _, err = cli("search", spec, "--quiet")
    assert (code, "was begun on other data: images differ" in err) == (2, True)


@pytest.mark.usefixtures("photos")
def test_it_is_not_ejected(cli: Cli) -> None:
    code, _, err = cli("eject", write({}), "-o", "-")
    assert (code, "an ejected script reads no image_folder" in err) == (2, True)
