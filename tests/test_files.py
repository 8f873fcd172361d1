"""Files are whole or absent, and what they hold is shown without control characters."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from salient.cli.run import explain
from salient.files import check_writable, printable, remove_partials, write_whole


def fail(code: int):
    def fsync(_):
        raise OSError(code, os.strerror(code))

    return fsync


@pytest.mark.parametrize(
    ("code", "line"),
    [(errno.ENOSPC, "no space is left on the disk"), (errno.EROFS, "cannot be written")],
)
def test_a_full_disk_leaves_the_old_file_and_names_it(tmp_path, monkeypatch, code, line):
    file = write_whole(tmp_path / "a" / "b.txt", "old")
    monkeypatch.setattr(os, "fsync", fail(code))
    with pytest.raises(OSError) as caught:
        write_whole(file, "new")
    assert explain(caught.value).startswith(f"{file}: {line}")
    assert file.read_text() == "old" and list(file.parent.iterdir()) == [file]


def test_a_file_is_brought_to_the_disk_before_it_gets_its_name(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(os, "fsync", lambda _: seen.append([p.name for p in tmp_path.iterdir()]))
    write_whole(tmp_path / "b", b"new")
    ((partial,),) = seen
    assert partial.endswith(".partial")
    assert [p.name for p in tmp_path.iterdir()] == ["b"]
    write_whole(tmp_path / "c", b"can be made again", durable=False)
    assert len(seen) == 1


def test_a_file_that_is_there_can_be_kept(tmp_path):
    write_whole(tmp_path / "a", "first", replace=False)
    with pytest.raises(FileExistsError):
        write_whole(tmp_path / "a", "second", replace=False)
    assert (tmp_path / "a").read_text() == "first" and len(list(tmp_path.iterdir())) == 1


def test_a_file_where_a_folder_is_needed(tmp_path):
    (tmp_path / "file").write_text("x")
    for folder in (tmp_path / "file", tmp_path / "file/inside"):
        with pytest.raises(NotADirectoryError) as caught:
            check_writable(folder)
        assert "there is a file where a folder is needed" in explain(caught.value)
    check_writable(tmp_path / "new")
    assert list((tmp_path / "new").iterdir()) == []


def test_what_a_kill_left_is_removed_unless_it_may_be_another_writers(tmp_path):
    old, new, other = (tmp_path / name for name in (".a.partial", ".b.partial", "c.partial"))
    for file in (old, new, other):
        file.touch()
    os.utime(old, (1e9, 1e9))
    os.utime(other, (1e9, 1e9))
    remove_partials(tmp_path)
    assert sorted(tmp_path.iterdir()) == [new, other]


def test_a_terminal_is_shown_no_control_characters():
    shown = printable("a\x1b[31mb\nc\x9b1m\u202ed\udc80 \u00fc")
    assert shown.isprintable() and shown.endswith("\u00fc") and r"\x1b[31m" in shown


@pytest.mark.parametrize("code", [errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_name_is_claimed_where_there_are_no_links(tmp_path, monkeypatch, code):
    """As on exFAT, some network shares and Colab's Drive."""

    def refuse(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "link", refuse)
    check_writable(tmp_path)
    write_whole(tmp_path / "a", "first", replace=False)
    with pytest.raises(FileExistsError):
        write_whole(tmp_path / "a", "second", replace=False)
    assert (tmp_path / "a").read_text() == "first" and len(list(tmp_path.iterdir())) == 1

    def fail(*_):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="full"):
        write_whole(tmp_path / "b", "x", replace=False)
    assert len(list(tmp_path.iterdir())) == 1, "the claimed name is given up"
