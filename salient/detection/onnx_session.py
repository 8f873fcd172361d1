"""Run an ONNX file with onnxruntime on the CPU."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from salient.arrays import Float32
from salient.devices import cores, import_onnxruntime
from salient.files import check_regular, printable, stamp


class OnnxSession:
    """onnxruntime's sessions of a file, one for each number of threads.

    An ONNX file is a program: a file from a stranger can run for ever, or ask for any amount of
    memory. Waiting threads do not spin, so that other programs get the cores.

    Args:
        path: the ONNX file.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not a regular file.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        check_regular(self.path, "ONNX file")
        self.stamp = stamp(self.path)
        self._lock, self._sessions = threading.Lock(), dict[int, Any]()

    def __reduce__(self) -> tuple[Any, ...]:
        return _open_again, (self.path.absolute(), self.stamp)

    def on(self, threads: int | None) -> Any:
        """The session that computes on this many threads; None uses all cores.

        Raises:
            ValueError: it is not an ONNX file.
            ModuleNotFoundError: onnxruntime is not installed.
        """
        threads = cores() if threads is None else threads
        with self._lock:
            if threads not in self._sessions:
                try:
                    self._sessions[threads] = self._open(threads)
                except ModuleNotFoundError:
                    raise
                except Exception as error:  # whatever a foreign file provokes
                    self.refuse(f"onnxruntime cannot open it: {error}", error)
            return self._sessions[threads]

    def run(
        self, outputs: Sequence[str], inputs: Mapping[str, Any], threads: int | None
    ) -> list[Float32]:
        """Run the file on its inputs; returns its outputs.

        Raises:
            ValueError: it cannot be run.
            MemoryError: there is too little memory.
        """
        session = self.on(threads)
        try:
            found: list[Float32] = session.run(outputs, inputs)
        except Exception as error:  # onnxruntime's own kinds
            if "llocate" in str(error):
                raise MemoryError(f"{self.path}: too little memory to run it") from error
            self.refuse(f"onnxruntime cannot run it: {error}", error)
        return found

    def refuse(self, reason: str, cause: Exception | None = None) -> NoReturn:
        """Raise a ValueError of one line that names the file."""
        line = printable(" ".join(f"{self.path}: {reason}".split()))
        raise ValueError(f"{line:.400}") from cause

    def _open(self, threads: int) -> Any:
        onnxruntime = import_onnxruntime()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3  # errors
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        return onnxruntime.InferenceSession(
            str(self.path), options, providers=["CPUExecutionProvider"]
        )


def _open_again(path: Path, known: tuple[int, int]) -> OnnxSession:
    """The same file in another process."""
    session = OnnxSession(path)
    if session.stamp != known:
        raise ValueError(f"{path}: changed since it was opened in the other process")
    return session
