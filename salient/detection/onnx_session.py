"""Run an ONNX file with onnxruntime."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, NoReturn

from salient.arrays import Float32
from salient.detection.providers import CPU, ON_CPU, Chosen, check_used
from salient.devices import cores, import_onnxruntime
from salient.files import check_regular, printable, stamp


class OnnxSession:
    """onnxruntime's sessions of a file: on the CPU, one for each number of threads; else one.

    An ONNX file is a program: a file from a stranger can run for ever, or ask for any amount of
    memory. Waiting threads do not spin, so that other programs get the cores.

    Args:
        path: the ONNX file.
        providers: what computes, see `salient.detection.providers.choose`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not a regular file.
    """

    def __init__(self, path: str | Path, providers: Chosen = ON_CPU) -> None:
        self.path, self.providers = Path(path), providers
        self.on_cores = providers[0][0] == CPU
        check_regular(self.path, "ONNX file")
        self.stamp = stamp(self.path)
        self._lock, self._sessions = threading.Lock(), dict[int, Any]()
        self._device: AbstractContextManager[Any] = (
            nullcontext() if self.on_cores else threading.Lock()  # one run at a time
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return _open_again, (self.path.absolute(), self.stamp, self.providers)

    @property
    def where(self) -> str:
        """What computes, to be added to a name; empty on the CPU."""
        names = [name.removesuffix("ExecutionProvider") for name, _ in self.providers]
        return "" if self.on_cores else f" on {', '.join(names)}"

    def on(self, threads: int | None) -> Any:
        """The session that computes on this many threads; None uses all cores.

        Raises:
            ValueError: it is not an ONNX file, or a provider cannot be used.
            ModuleNotFoundError: onnxruntime is not installed.
        """
        threads = cores() if threads is None or not self.on_cores else threads
        with self._lock:
            if threads not in self._sessions:
                try:
                    session = self._open(threads)
                except ModuleNotFoundError:
                    raise
                except Exception as error:  # whatever a foreign file provokes
                    self.refuse(f"onnxruntime cannot open it: {error}", error)
                check_used(self.providers, session.get_providers())
                self._sessions[threads] = session
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
            with self._device:
                found: list[Float32] = session.run(outputs, inputs)
        except Exception as error:  # onnxruntime's own kinds
            if "llocate" in str(error):
                raise MemoryError(f"{self.path}: not enough memory to run it") from error
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
        options.enable_mem_pattern = self.on_cores  # DirectML refuses it
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        names = [name for name, _ in self.providers]
        return onnxruntime.InferenceSession(
            str(self.path),
            options,
            names,
            [more for _, more in self.providers],
            enable_fallback=0,  # to the CPU, with a notice only
        )


def _open_again(path: Path, known: tuple[int, int], providers: Chosen) -> OnnxSession:
    """The same file in another process."""
    session = OnnxSession(path, providers)
    if session.stamp != known:
        raise ValueError(f"{path}: changed since it was opened in the other process")
    return session
