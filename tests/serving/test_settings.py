"""Settings that somebody sent."""

from __future__ import annotations

import pytest

from salient.detection.cutout import Cutout
from salient.serving.settings import make_cutout
from tests.fixtures.photos import as_file, draw_disc


def test_settings_are_those_of_a_cutout():
    assert make_cutout({}) == Cutout()
    assert make_cutout({"background": "transparent"}) == Cutout()
    sent = {"background": "1,2,3", "threshold": "0.4", "feather": 0, "min_area": 0.1}
    assert make_cutout(sent | {"crop": "true"}) == Cutout("1,2,3", 0.4, 0, 0.1, True)
    assert make_cutout({"background": "#f00", "crop": False}) == Cutout("#f00")


@pytest.mark.parametrize(
    ("sent", "line"),
    [
        ({"background": "/etc/passwd"}, "background: '/etc/passwd' is not valid; use transparent"),
        ({"background": "FILE"}, "background: .* is not valid; use transparent, blur, or a colour"),
        ({"threshold": "x"}, "threshold: 'x' is not a number"),
        ({"threshold": "nan"}, "threshold must be a finite number, got nan"),
        ({"threshold": None}, "threshold: None is not a number"),
        ({"crop": "yes"}, "crop: 'yes' is not valid; use true or false"),
        ({"tresh": 1}, "'tresh': unknown; there are background, threshold"),
    ],
)
def test_other_settings_are_refused_and_no_file_is_opened(sent, line, tmp_path, monkeypatch):
    (tmp_path / "photo.png").write_bytes(as_file(draw_disc()))
    sent = {k: str(tmp_path / "photo.png") if v == "FILE" else v for k, v in sent.items()}
    monkeypatch.setattr("salient.detection.cutout.read_image", lambda _: pytest.fail("read"))
    with pytest.raises(ValueError, match=line):
        make_cutout(sent)
