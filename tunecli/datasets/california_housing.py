"""California housing: the 1990 census by block groups (Pace and Barry 1997), in scikit-learn's form of it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

from tunecli.datasets import fetch
from tunecli.datasets.base import Columns, DatasetCard, DatasetOptions, Description, LoadScript, RawData
from tunecli.datasets.columns import accept, choose_features
from tunecli.datasets.fetch import RemoteFile
from tunecli.scripting import listed, literal
from tunecli.spec.experiment import Task

FEATURES = ("MedInc", "HouseAge", "AveRooms", "AveBedrms", "Population", "AveOccup", "Latitude", "Longitude")
TARGET = "MedHouseVal"


@dataclass(frozen=True)
class CaliforniaHousing:
    """The data set, from the file that StatLib published."""

    file: RemoteFile

    @property
    def card(self) -> DatasetCard:
        """What a person wants to know before using it."""
        return DatasetCard(
            title="California housing: median house values of block groups, in 100,000 $",
            shape="20,640 rows × 8 features",
            task=Task.REGRESSION,
            source="https://www.dcc.fc.up.pt/~ltorgo/Regression/cal_housing.html (StatLib)",
            licence="figures of the U.S. census, free to use",
        )

    def describe(self, options: DatasetOptions) -> Description:
        """Says what is known without the file; its one option is `features`.

        Raises:
            OptionError: Another option is given, or a feature does not exist.
        """
        accept(options, "california_housing", "features", "exclude")
        features = choose_features(options.features, (*FEATURES, TARGET), TARGET, exclude=options.exclude)
        return Description(task=Task.REGRESSION, target=TARGET, features=features, rows=20_640)

    def load(self, options: DatasetOptions) -> RawData:
        """Loads the features as averages per household, and the target in 100,000 $.

        Raises:
            DataError: The file cannot be fetched, or is damaged.
        """
        import numpy as np

        features = self.describe(options).features
        raw = np.loadtxt(io.BytesIO(fetch.read(self.file)), delimiter=",", dtype=np.float64, ndmin=2)
        longitude, latitude, age, rooms, bedrooms, population, households, income, value = raw.T
        averages = (rooms / households, bedrooms / households, population, population / households)
        by_name = dict(zip(FEATURES, (income, age, *averages, latitude, longitude), strict=True))
        columns = Columns(
            numeric=np.stack([by_name[name] for name in features], axis=1),
            numeric_names=features,
            categorical=np.empty((len(raw), 0), dtype=np.int32),
        )
        return RawData(task=Task.REGRESSION, columns=columns, target=value / 100_000, target_name=TARGET)

    def find(self) -> Path | None:
        """Returns the file, or None if it must be fetched."""
        return fetch.find(self.file)

    def fetch(self) -> Path:
        """Makes sure that the file is on this machine and undamaged.

        Raises:
            DataError: It cannot be fetched, or is damaged.
        """
        fetch.read(self.file)
        return fetch.fetch(self.file)

    def script(self, options: DatasetOptions) -> LoadScript:
        """Writes how to read the file, which Keras downloads if it is not there."""
        functions = f'''
def load(path):
    """Returns the features as averages per household, and the target in 100,000 $."""
    if not Path(path).exists():
        path = keras.utils.get_file("{self.file.fname}", URL, file_hash=SHA256)
    if tarfile.is_tarfile(path):
        with tarfile.open(path) as archive:
            lines = archive.extractfile("{self.file.member}").read().decode().splitlines()
    else:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    table = np.loadtxt(lines, delimiter=",")
    longitude, latitude, age, rooms, bedrooms, population, households, income, value = table.T
    columns = {{
        "MedInc": income,
        "HouseAge": age,
        "AveRooms": rooms / households,
        "AveBedrms": bedrooms / households,
        "Population": population,
        "AveOccup": population / households,
        "Latitude": latitude,
        "Longitude": longitude,
    }}
    return np.stack([columns[name] for name in FEATURES], axis=1), value / 100_000
'''
        return LoadScript(
            functions.strip().split("\n"),
            imports=("tarfile",),
            constants=[
                f"URL = {literal(self.file.url)}",
                f"SHA256 = {literal(self.file.sha256)}",
                *listed("FEATURES = [", self.describe(options).features),
            ],
            path=self.find() or Path(self.file.fname),
            path_help="the file of StatLib, packed or not; downloaded if there is none",
        )


DATASET = CaliforniaHousing(
    RemoteFile(
        url="https://ndownloader.figshare.com/files/5976036",
        fname="cal_housing.tgz",
        sha256="aaa5c9a6afe2225cc2aed2723682ae403280c4a3695a2ddda4ffb5d8215ea681",
        content_sha256="a2b44dcc7e1c9091b43c4f458b25cbd1f7e8068d08edd26bc4703108d3fa6214",
        member="CaliforniaHousing/cal_housing.data",
    )
)
