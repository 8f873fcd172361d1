"""Networks on Hugging Face's hub, by huggingface_hub's mixin."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

from huggingface_hub import ModelHubMixin, snapshot_download

from salient.detection.detector import Detector
from salient.export.folder import export_folder
from salient.model.base import Network
from salient.weights.find import find_checkpoint
from salient.weights.hub import FILES
from salient.weights.store import load_network


class HubModel(ModelHubMixin, library_name="salient"):  # type: ignore[misc,call-arg]
    """A checkpoint with `from_pretrained`, `save_pretrained` and `push_to_hub`.

    Args:
        checkpoint: what `find_checkpoint` takes.
        int8, results: as `export_folder` takes them, for what is saved or pushed.

    Raises:
        FileNotFoundError: there is no such checkpoint.

    Example:
        ```python
        HubModel("mine.safetensors", results="results/results.json").push_to_hub("me/mine")
        detector = HubModel.from_pretrained("me/mine").detector()
        ```
    """

    def __init__(
        self,
        checkpoint: str | Path = "best",
        int8: str | None = None,
        results: str | None = None,
    ) -> None:
        self.checkpoint = find_checkpoint(checkpoint)
        self.int8, self.results = int8, results

    @cached_property
    def network(self) -> Network:
        """The network, in eval mode."""
        return load_network(self.checkpoint)

    def detector(self, **options: Any) -> Detector:
        """What finds maps; options are those of `Detector.load`."""
        return Detector.load(self.checkpoint, **options)

    def _save_pretrained(self, save_directory: Path) -> None:
        export_folder(self.checkpoint, save_directory, self.int8, self.results)

    @classmethod
    def _from_pretrained(cls, *, model_id: str, **options: Any) -> HubModel:
        if Path(model_id).is_dir():
            return cls(model_id)
        known = ("revision", "cache_dir", "force_download", "local_files_only", "token")
        kept = {key: options[key] for key in known if key in options}
        return cls(snapshot_download(model_id, allow_patterns=FILES, **kept))
