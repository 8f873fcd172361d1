"""The interface of all networks. It imports no architecture."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Any, ClassVar, NamedTuple

import torch
from pydantic import Field
from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from torch import Tensor, nn

from salient.arrays import Probabilities
from salient.config import Share, check_config
from salient.model.encoder import Encoder

Width = Annotated[int, Field(ge=1, le=4096)]
Side = Annotated[int, Field(ge=32, le=2048, multiple_of=32)]  # larger squares fill the memory
Deviation = Annotated[float, Field(ge=1e-3, le=10)]


class Outputs(NamedTuple):
    """Logits of one batch B,3,H,W.

    Attributes:
        saliency: one or more maps B,1,H,W, the finest first; detection takes the first.
        edge: the boundary, B,1,H/4,W/4; None for a network without an edge output.
    """

    saliency: tuple[Tensor, ...]
    edge: Tensor | None = None


@dataclass(frozen=True)
class InputDimensions:
    """Dimensions that every network has; an architecture adds its own. They go into the checkpoint.

    Attributes:
        size: side in pixels of the square that pictures are resized to, a multiple of 32.
        resize: the filter that resizes them, a name in `salient.data.transforms.RESIZE`.
        mean, std: of each RGB channel, in [0, 1]. None: the values that the encoder was trained
            with, or ImageNet's.
    """

    size: Side = 352
    resize: str = "area"
    mean: tuple[Share, Share, Share] | None = None
    std: tuple[Deviation, Deviation, Deviation] | None = None


@dataclass(frozen=True)
class EncoderDimensions(InputDimensions):
    """Dimensions of a network with an encoder.

    Attributes:
        encoder: name of a timm model; see `Encoder`.
    """

    encoder: str = "res2net50d"


class Network(nn.Module):
    """A saliency network: normalised RGB B,3,H,W -> `Outputs`. H and W are multiples of 32.

    A subclass sets the attributes below, builds its layers in `__init__`, and defines `forward`.
    A row in `salient.model.ARCHITECTURES` makes its checkpoints loadable.

    Args:
        **dimensions: fields of `Dimensions`, which also has their defaults.

    Attributes:
        Dimensions: the dataclass of the architecture's dimensions.
        maps: a name for each map of `Outputs.saliency`, with its default weight in the loss. The
            loss of each map is logged under its name.
        has_edge: whether the network returns `Outputs.edge`.
        logits: modules whose weights and bias are proportional to the first map's logit.
        float_before: names of modules. In an 8-bit export, the layers before them stay in float.
        origin: the file that the network was loaded from and its origin, in one line.

    Raises:
        ValueError: a dimension that is unknown or outside its bounds.
    """

    Dimensions: ClassVar[type[InputDimensions]] = InputDimensions
    maps: ClassVar[Mapping[str, float]] = {"map": 1}
    has_edge: ClassVar[bool] = False
    logits: ClassVar[tuple[str, ...]] = ()
    float_before: ClassVar[tuple[str, ...]] = ()

    passes_on: ClassVar[Any] = InputDimensions  # whose fields are keywords: see `salient.config`
    dimensions: InputDimensions
    mean: Tensor
    std: Tensor
    origin = "made here"

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls.passes_on = cls.Dimensions

    def __init__(self, **dimensions: Any) -> None:
        super().__init__()
        check_config({**dimensions, "_partial_": True}, self.Dimensions)
        given = self.Dimensions(**dimensions)
        mean, std = given.mean or IMAGENET_DEFAULT_MEAN, given.std or IMAGENET_DEFAULT_STD
        self.dimensions = replace(given, mean=mean, std=std)
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    @property
    def config(self) -> dict[str, Any]:
        """The dimensions as plain values: stored in checkpoints, and keywords of the class."""
        fields = asdict(self.dimensions)
        return {k: list(v) if isinstance(v, tuple) else v for k, v in fields.items()}

    @property
    def size(self) -> int:
        """Side in pixels of the square that pictures are resized to."""
        return self.dimensions.size

    @property
    def resize(self) -> str:
        """The filter that resizes pictures, a name in `salient.data.transforms.RESIZE`."""
        return self.dimensions.resize

    def set_input(self, size: int, resize: str) -> None:
        """Choose the square that pictures are resized to: its side in pixels, and the filter.

        Raises:
            ValueError: the side is not a multiple of 32 from 32 to 2048.
        """
        check_config({"size": size, "resize": resize, "_partial_": True}, self.Dimensions)
        self.dimensions = replace(self.dimensions, size=size, resize=resize)

    def encoder_parameters(self) -> Iterator[nn.Parameter]:
        """Pretrained weights, which learn at the encoder's rate; none by default."""
        return iter(())

    def normalize(self, images: Tensor) -> Tensor:
        """RGB uint8 B,3,H,W -> the input of `forward`: floats, by the network's mean and deviation.

        Channels-last in memory, like the weights, because depthwise convolutions on a CPU need it.
        """
        images = images.contiguous(memory_format=torch.channels_last)
        return (images.to(self.mean.dtype) / 255 - self.mean) / self.std

    @torch.inference_mode()
    def predict(self, images: Tensor, precision: torch.dtype = torch.float32) -> Probabilities:
        """RGB uint8 B,3,H,W -> saliency and boundary as probabilities, B,H,W and B,H/4,W/4.

        Runs on the network's device, under autocast if `precision` is a 16-bit type. The network
        must be in eval mode. The values are not checked here, but in `salient.detection.road`.
        """
        device = self.mean.device
        with torch.autocast(device.type, precision, enabled=precision != torch.float32):
            outputs = self(self.normalize(images.to(device, non_blocking=True)))
        return self.probabilities(outputs)

    def probabilities(self, outputs: Outputs) -> Probabilities:
        """The finest map and the boundary as probabilities, in arrays on the host."""
        given = [x for x in (outputs.saliency[0], outputs.edge) if x is not None]
        found = [torch.sigmoid(x.detach().to(self.mean.dtype))[:, 0] for x in given]
        return Probabilities(*(x.float().cpu().numpy() for x in found))

    def check_input(self, image: Tensor) -> None:
        """Refuse an input that `forward` cannot process.

        Raises:
            ValueError: its shape is not B,3,H,W with multiples of 32.
        """
        if image.dim() != 4 or image.shape[1] != 3 or image.shape[2] % 32 or image.shape[3] % 32:
            shape = tuple(image.shape)
            raise ValueError(f"the network takes B,3,H,W with H and W multiples of 32, got {shape}")

    def forward(self, image: Tensor) -> Outputs:
        """Normalised RGB B,3,H,W -> logits."""
        raise NotImplementedError


class EncoderNetwork(Network):
    """A network whose first part is an `Encoder`: features at strides 4, 8, 16 and 32.

    Args:
        encoder: the encoder, or the name of one that is made with random weights.
        **dimensions: further fields of `Dimensions`.
    """

    Dimensions: ClassVar[type[EncoderDimensions]] = EncoderDimensions
    dimensions: EncoderDimensions

    def __init__(self, encoder: Encoder | str | None = None, **dimensions: Any) -> None:
        if not isinstance(encoder, Encoder):
            encoder = Encoder(encoder or self.Dimensions.encoder)
        of_encoder = {"mean": encoder.mean, "std": encoder.std, "encoder": encoder.name}
        super().__init__(**of_encoder | {k: x for k, x in dimensions.items() if x is not None})
        self.encoder = encoder

    def encoder_parameters(self) -> Iterator[nn.Parameter]:
        """The weights of the timm model."""
        parameters: Iterator[nn.Parameter] = self.encoder.body.parameters()
        return parameters
