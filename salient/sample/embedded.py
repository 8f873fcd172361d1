"""The embedded sample as a set, drawn in the data root on first use."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from salient.data.sets import PairSet
from salient.sample.draw import write_sample


@dataclass(frozen=True)
class SampleSet(PairSet):
    """One half of the sample, `root=sample/train` or `sample/test`, drawn on first use."""

    def folders(
        self, data_root: str | Path, pictures: bool = True
    ) -> tuple[str | Path | None, str | Path]:
        """Like `PairSet.folders`, after drawing the sample in `data_root` if it is missing."""
        write_sample(Path(data_root) / Path(str(self.root)).parent)
        return super().folders(data_root, pictures)
