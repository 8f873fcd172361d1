"""onnxruntime's execution providers: the hardware and the libraries that it computes with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from salient.devices import import_onnxruntime

# A name, several in order of preference, or the options of each by its name.
Providers = str | list[str] | dict[str, dict[str, Any] | None]
CPU = "CPUExecutionProvider"


class Provider(NamedTuple):
    """A provider's name in onnxruntime, and the package that brings it."""

    name: str
    package: str


# By our short names.
PROVIDERS = {
    "cpu": Provider(CPU, "onnxruntime"),
    "cuda": Provider("CUDAExecutionProvider", "onnxruntime-gpu"),
    "tensorrt": Provider("TensorrtExecutionProvider", "onnxruntime-gpu"),
    "coreml": Provider("CoreMLExecutionProvider", "onnxruntime, on macOS"),
    "directml": Provider("DmlExecutionProvider", "onnxruntime-directml, on Windows"),
    "openvino": Provider("OpenVINOExecutionProvider", "onnxruntime-openvino"),
}
Chosen = Sequence[tuple[str, dict[str, Any]]]  # onnxruntime's names, with options
ON_CPU: Chosen = ((CPU, {}),)


def choose(providers: Providers) -> Chosen:
    """Providers by onnxruntime's names, in order of preference; nodes they lack run on the CPU.

    Args:
        providers: a name of PROVIDERS, or one of onnxruntime's own; a list of names; or a mapping
            of names to options, such as `{"openvino": {"device_type": "GPU"}}`. onnxruntime's
            documentation lists the options.

    Raises:
        ValueError: this onnxruntime has no such provider, or none is named.
        ModuleNotFoundError: onnxruntime is not installed.
    """
    named = [providers] if isinstance(providers, str) else providers
    if not named:
        raise ValueError(f"providers: none is named; use {', '.join(PROVIDERS)}")
    options = named if isinstance(named, Mapping) else dict.fromkeys(named)
    available = import_onnxruntime().get_available_providers()
    return [(_name(one, available), dict(more or {})) for one, more in options.items()]


def _name(asked: str, available: Sequence[str]) -> str:
    known = {one.name.lower(): one for one in PROVIDERS.values()} | PROVIDERS
    provider = known.get(asked.lower())
    name = provider.name if provider else asked
    if name in available:
        return name
    there = [*(key for key, one in PROVIDERS.items() if one.name in available)]
    remedy = f"; pip install {provider.package}" if provider else ""
    raise ValueError(
        f"providers: this onnxruntime has no {asked!r:.80}; it has {', '.join(there)}{remedy}"
    )


def check_used(wanted: Chosen, used: Sequence[str]) -> None:
    """Refuse a session in which onnxruntime silently replaced a provider by the CPU.

    Raises:
        ValueError: a wanted provider is not used.
    """
    for name, _ in wanted:
        if name not in used:
            raise ValueError(
                f"providers: {name} could not be started, so onnxruntime would use "
                f"{', '.join(used)}; its libraries or its device may be missing"
            )
