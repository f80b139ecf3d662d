"""Fashion-MNIST: grey images of clothes (Xiao, Rasul and Vollgraf 2017, arXiv:1708.07747)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tunecli.datasets import fetch
from tunecli.datasets.base import Columns, DatasetCard, DatasetOptions, Description, LoadScript, RawData
from tunecli.datasets.columns import accept
from tunecli.datasets.fetch import RemoteFile
from tunecli.spec.experiment import Task

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)


@dataclass(frozen=True)
class FashionMnist:
    """The data set, from four files in the IDX format of MNIST.

    Attributes:
        train_images: uint8 images.
        train_labels: uint8 class codes.
        test_images: Those of the test part.
        test_labels: Those of the test part.
    """

    train_images: RemoteFile
    train_labels: RemoteFile
    test_images: RemoteFile
    test_labels: RemoteFile

    @property
    def card(self) -> DatasetCard:
        """What a person wants to know before using it."""
        return DatasetCard(
            title="Fashion-MNIST: images of clothes in ten classes",
            shape="60,000 images of 28 × 28 × 1, and 10,000 to test on",
            task=Task.MULTICLASS,
            source="https://github.com/zalandoresearch/fashion-mnist",
            licence="MIT, © Zalando SE",
        )

    def describe(self, options: DatasetOptions) -> Description:
        """Says what is known without the files; has no options.

        Raises:
            OptionError: An option is given.
        """
        accept(options, "fashion_mnist")
        return Description(
            task=Task.MULTICLASS,
            target="class",
            image_shape=(28, 28, 1),
            classes=CLASSES,
            rows=60_000,
            has_own_test=True,
        )

    def load(self, options: DatasetOptions) -> RawData:
        """Loads both parts, the test part last.

        Raises:
            DataError: A file cannot be fetched, or is damaged.
        """
        import numpy as np

        accept(options, "fashion_mnist")
        images = np.concatenate([_idx(self.train_images), _idx(self.test_images)])[..., np.newaxis]
        labels = np.concatenate([_idx(self.train_labels), test := _idx(self.test_labels)])
        columns = Columns(
            numeric=np.empty((len(images), 0)),
            numeric_names=(),
            categorical=np.empty((len(images), 0), dtype=np.int32),
            images=images,
        )
        return RawData(
            task=Task.MULTICLASS,
            columns=columns,
            target=labels.astype(np.int64),
            target_name="class",
            classes=CLASSES,
            own_test_rows=len(test),
        )

    def find(self) -> Path | None:
        """Returns the folder of the files, or None if one of them must be fetched."""
        found = [fetch.find(file) for file in self._files]
        return found[0].parent if found[0] is not None and None not in found else None

    def fetch(self) -> Path:
        """Makes sure that the files are on this machine and undamaged, and returns their folder.

        Raises:
            DataError: One cannot be fetched, or is damaged.
        """
        for file in self._files:
            fetch.read(file)
        return fetch.fetch(self.train_images).parent

    def script(self, options: DatasetOptions) -> LoadScript:
        """Writes how to read the files, which Keras downloads if they are not there."""
        accept(options, "fashion_mnist")
        functions = '''
def load(path):
    """Returns the training images and their classes; the test files stay closed."""
    if Path(path).is_dir():
        images = read_idx(path, "train-images-idx3-ubyte", header=16).reshape(-1, 28, 28)
        classes = read_idx(path, "train-labels-idx1-ubyte", header=8)
    else:
        (images, classes), _ = keras.datasets.fashion_mnist.load_data()
    return images[..., np.newaxis], classes


def read_idx(folder, name, header):
    """Returns the bytes behind the header of a file in the IDX format of MNIST, packed or not."""
    path = next(Path(folder).glob(f"{name}*"))
    with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
        return np.frombuffer(file.read(), dtype=np.uint8, offset=header)
'''
        return LoadScript(
            functions.strip().split("\n"),
            imports=("gzip",),
            path=self.find() or Path("fashion-mnist"),
            path_help="the folder of the four files; downloaded if there is none",
            has_numbers=False,
        )

    @property
    def _files(self) -> tuple[RemoteFile, ...]:
        return self.train_images, self.train_labels, self.test_images, self.test_labels


def _idx(file: RemoteFile) -> NDArray[np.uint8]:
    """Reads an IDX file of bytes: two zeros, 8, the number of axes, each axis as 4 bytes, and the values."""
    import numpy as np

    content = fetch.read(file)
    axes = content[3]
    shape = np.frombuffer(content, dtype=">u4", count=axes, offset=4)
    return np.frombuffer(content, dtype=np.uint8, offset=4 + 4 * axes).reshape(shape)


def _file(fname: str, sha256: str, content_sha256: str) -> RemoteFile:
    url = f"https://storage.googleapis.com/tensorflow/tf-keras-datasets/{fname}"
    return RemoteFile(url, fname, sha256, content_sha256, folder="fashion-mnist")


DATASET = FashionMnist(
    train_images=_file(
        "train-images-idx3-ubyte.gz",
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    ),
    train_labels=_file(
        "train-labels-idx1-ubyte.gz",
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    ),
    test_images=_file(
        "t10k-images-idx3-ubyte.gz",
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    ),
    test_labels=_file(
        "t10k-labels-idx1-ubyte.gz",
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
)
