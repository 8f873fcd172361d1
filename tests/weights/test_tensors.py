"""What a foreign file holds is read within bounds, and never run."""

from __future__ import annotations

import json
import struct
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
import torch

from salient.tensors import read_pickle, read_tensors


def test_a_compressed_archive_is_not_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", bytes(10_000_000))
    with pytest.raises(ValueError, match="would unpack to 10000000 bytes"):
        read_pickle(tmp_path / "bomb")


def test_a_changed_byte_in_what_torch_saved_is_told(tmp_path):
    content = BytesIO()
    torch.save({"a": torch.arange(1000.0)}, content)
    file, spot = tmp_path / "a.ckpt", len(content.getvalue()) // 2
    file.write_bytes(content.getvalue())
    assert read_tensors(file)[0]["a"].sum() == 499500
    changed = bytearray(content.getvalue())
    changed[spot] ^= 1
    file.write_bytes(changed)
    with pytest.raises(ValueError, match="a.ckpt: .*check sum"):
        read_tensors(file)


def test_no_advice_to_read_less_strictly(tmp_path):
    for content in (bytes(4096), b"hello", Path(__file__).read_bytes()):
        (tmp_path / "a").write_bytes(content)
        with pytest.raises(ValueError, match="a: neither safetensors nor") as caught:
            read_pickle(tmp_path / "a")
        assert "weights_only" not in str(caught.value)


def test_checkpoints_are_refused_by_their_size_before_they_are_read(tmp_path, monkeypatch):
    """A million tensors took 45 seconds, 90 MB of metadata 1.4 GB."""
    header = json.dumps({"__metadata__": {"a": "b" * 21_000_000}}).encode()
    path = tmp_path / "a.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(8))
    with pytest.raises(ValueError, match="its header has 21 MB"):
        read_tensors(path)
    with zipfile.ZipFile(tmp_path / "many.bin", "w") as archive:
        for part in range(60_000):
            archive.writestr(f"archive/data/{part}", b"")
    monkeypatch.setattr(zipfile.ZipFile, "infolist", lambda _: pytest.fail("listed"))
    with pytest.raises(ValueError, match="it holds 60000 tensors or more"):
        read_tensors(tmp_path / "many.bin")
