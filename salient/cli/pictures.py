"""Detect in pictures for a command, and report what came of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from salient.cli.progress import end_with, work_through
from salient.data.pairs import first_few
from salient.detection.detector import Detector
from salient.detection.folders import Done, Open, detect_files
from salient.detection.listing import STANDARD, Inputs
from salient.detection.manifest import Manifest
from salient.detection.modes import Mode
from salient.detection.outputs import Output
from salient.detection.summary import start_summary, write_summary
from salient.detection.tally import Tally
from salient.files import check_writable, remove_partials
from salient.films.convert import Overwrite

Keep = Callable[[Detector, dict[Path, Path]], Manifest]


@dataclass
class PictureRun:
    """Detects in pictures, then reports what came of them.

    Attributes:
        found: the pictures, and the files to write.
        written: the files written so far, also when the work is cut short.
        tally: counts outcomes, and has the rows of the summary.
    """

    out: Output
    draw: Mode
    overwrite: Overwrite
    summary: str | None
    white: float | None
    found: Inputs = field(default_factory=lambda: Inputs({}, [], [], []))
    written: list[Path] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)

    def detect(self, load: Callable[[], Detector], mode: str, keep: Keep | None) -> None:
        """Detect in all pictures found; `keep` starts the manifest."""
        if self.summary is not None:
            self.tally.rows = start_summary(self.summary, self.overwrite)
        targets = without_existing(self.found, self.overwrite, keep is not None)
        if not self.out.to_stream:
            check_writable(self.out.folder)
        for folder in {target.parent for target in targets.values()}:
            remove_partials(folder)
        self.detector = load_detector(load)
        manifest = keep(self.detector, targets) if keep else None
        files = self._files(targets, manifest.open if manifest else None)
        of_all = f"of {len(targets)} files are written; continue with overwrite=skip"
        try:
            _, rate = work_through(
                self.tally.counted(manifest.recorded(files) if manifest else files),
                "picture",
                len(targets),
                lambda: f"{len(self.written)} {of_all}",
            )
        finally:
            if manifest is not None:
                manifest.close()
            self._save_summary()
        self._report(mode, rate, len(targets))

    def watch(self, later: Callable[[], Iterator[dict[Path, Path]]]) -> None:
        """Detect in pictures that come `later`, with a line for each, until Ctrl-C."""
        print("watching for more pictures; Ctrl-C ends it", flush=True)
        with suppress(KeyboardInterrupt):
            for targets in later():
                self.found.targets.update(targets)
                for one in self.tally.counted(self._files(targets)):
                    what = one.error or one.target or "nothing stands out"
                    print(f"{one.source}: {what}", flush=True)
                self._save_summary()

    def end(self) -> list[Path]:
        """The files that were written; ends the process if pictures failed."""
        problems = self.found.problems + self.tally.problems
        count = len(self.found.targets) + len(self.found.problems)
        end_with(problems, f"{len(problems)} of {count} pictures failed:")
        return self.tally.targets

    def _files(self, targets: dict[Path, Path], opened: Open | None = None) -> Iterator[Done]:
        detector, out = self.detector, self.out
        return detect_files(detector, targets, self.draw, out, self.written, self.white, opened)

    def _save_summary(self) -> None:
        if self.summary is not None and self.tally.rows is not None:
            write_summary(self.summary, self.tally.rows.values())

    def _report(self, mode: str, rate: float, count: int) -> None:
        out, tally = self.out, self.tally
        where = out.file or ("the standard output" if out.to_stream else out.folder)
        speed = f", {rate:.1f} pictures a second" if tally.targets else ""
        print(f"mode={mode}: {tally.files} in {where}{speed} by {self.detector.engine.name}")
        if tally.kept:
            print(f"{tally.kept} of {count} pictures are already in the manifest and are kept")
        for line in tally.remarks(out.empty):
            print(line)


def load_detector(load: Callable[[], Detector]) -> Detector:
    """The detector, after a line that names its network."""
    detector = load()
    print(f"network: {detector.engine.origin}")
    return detector


def without_existing(
    found: Inputs, overwrite: Overwrite, by_content: bool = False
) -> dict[Path, Path]:
    """The files to write; prints which are left out, and which get unexpected names.

    Args:
        found: the pictures and their files.
        overwrite: what to do with existing files: see `predict`.
        by_content: a manifest decides which of them are skipped.

    Raises:
        ValueError: files exist, and `overwrite` is False.
    """
    targets = found.targets
    if found.left_out:
        names = first_few([str(path) for path in found.left_out])
        print(f"left out, no image extension: {names}")
    longer = [
        path.name for path, target in targets.items() if path.suffix and target.stem == path.name
    ]
    if found.litter:
        print(f"left out, system files: {len(found.litter)}, such as {found.litter[0]}")
    if longer:
        print(f"several with the same name, so the extension is kept: {first_few(longer)}")
    if overwrite is True or (by_content and overwrite):
        return targets  # without a question to the disk or the object store
    existing = [path for path, target in targets.items() if _is_there(target)]
    if not existing:
        return targets
    there = f"{len(existing)} of {len(targets)} files already exist"
    if overwrite is False:
        raise ValueError(
            f"{there}, the first is {targets[existing[0]]}; overwrite=true replaces them, "
            "overwrite=skip makes only the others"
        )
    print(f"{there} and are kept")
    return {path: target for path, target in targets.items() if not _is_there(target)}


def _is_there(target: Path) -> bool:
    return target != STANDARD and target.exists()
