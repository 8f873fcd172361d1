"""The embedded sample as a set: drawn under the data root when it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from salient.data.sets import PairSet
from salient.sample.draw import write_sample


@dataclass(frozen=True)
class SampleSet(PairSet):
    """A half of the sample, `root=sample/train` or `sample/test`, drawn when it is asked for."""

    def folders(
        self, data_root: str | Path, pictures: bool = True
    ) -> tuple[str | Path | None, str | Path]:
        """As `PairSet.folders`, after the sample was drawn under `data_root`."""
        write_sample(Path(data_root) / Path(str(self.root)).parent)
        return super().folders(data_root, pictures)
