"""The rules that every picture on its way to a map is under, whoever asks for it."""

from __future__ import annotations

import numpy as np
import pytest

from salient.arrays import Probabilities
from salient.detection import road


class Echo:
    """An engine that gives back the red channel."""

    name, origin, precision, size, resize = "echo", "echo.file", "fp32", 32, "area"
    quality = None

    def __init__(self, on_cores=True, scale=1 / 255):
        self.on_cores, self.scale, self.calls = on_cores, np.float32(scale), []

    def run(self, squares, threads=None):
        self.calls.append((len(squares), threads))
        saliency = squares[..., 0] * self.scale
        return Probabilities(saliency, saliency[:, ::4, ::4])


def noise(*sizes):
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (*size, 3), np.uint8) for size in sizes]


def test_pictures_of_all_sizes_go_through_together():
    engine, pictures = Echo(), noise((32, 32), (5, 90), (200, 31))
    found = road.detect_pictures(engine, iter(pictures), threads=2)
    assert engine.calls == [(3, 2)]
    assert all(one.saliency.shape == (32, 32) and one.edge.shape == (8, 8) for one in found)
    np.testing.assert_array_equal(found[0].saliency, pictures[0][..., 0] * engine.scale)
    assert road.detect_pictures(engine, []) == [] and len(engine.calls) == 1


def test_mirror_images_are_averaged_once():
    class Sloped(Echo):
        def run(self, squares, threads=None):
            found = super().run(squares, threads)
            return Probabilities(found.saliency * np.linspace(0, 1, 32, dtype=np.float32))

    (picture,) = noise((32, 32))
    plain = Sloped().run(picture[None]).saliency[0]
    mirrored = Sloped().run(picture[None, :, ::-1]).saliency[0]
    (found,) = road.detect_pictures(Sloped(), [picture], flip=True)
    np.testing.assert_allclose(found.saliency, (plain + mirrored[:, ::-1]) / 2, rtol=1e-6)
    assert found.edge is None


@pytest.mark.parametrize(
    ("scale", "message"),
    [
        (np.nan, "echo.file: the network's map is not finite"),
        (np.inf, "not finite"),
        (1.0, "values from 0 to 255; probabilities must be in"),
        (-1.0, "values from -255 to -0"),
    ],
)
def test_what_is_no_probability_is_refused(scale, message):
    picture = np.zeros((32, 32, 3), np.uint8)
    picture[0, 0] = 255
    with np.errstate(invalid="ignore"), pytest.raises(ValueError, match=message):
        road.detect_pictures(Echo(scale=scale), [picture])


def test_a_batch_is_of_fewer_pictures_if_they_are_large():
    sizes = [1, 1, 1, 150_000_000, 100_000_000, 1, 300_000_000, 1]
    batches = list(road.limited(sizes, 3, lambda size: size))
    assert batches == [[1, 1, 1], [150_000_000, 100_000_000], [1, 300_000_000], [1]]


def test_threads_are_those_asked_for_or_the_cores(monkeypatch):
    monkeypatch.setattr(road, "cores", lambda: 16)
    assert road.threads_of(Echo()) == 16 and road.threads_of(Echo(), 2) == 2
    assert road.threads_of(Echo(on_cores=False)) == road.GPU_THREADS
    assert (road.batch_of(Echo(), 8), road.batch_of(Echo(on_cores=False), 8)) == (1, 8)


def test_items_are_taken_as_they_are_needed():
    taken = []

    def endless():
        while True:
            taken.append(1)
            yield len(taken)

    made = road.in_batches(sum, endless(), 2, 2)
    assert [next(made), next(made)] == [3, 7]
    made.close()
    assert len(taken) < 40
