"""The files of published objects: their names, their ceilings, and that each is whole or not there."""

from __future__ import annotations

import os
import resource
import threading
from pathlib import Path
from typing import Any

import pytest

import likewise
from likewise.objects.kept import file_name, read_file, state_as_bytes, state_from_bytes, write_file
from tests.test_bounded_means import flatbomb

LIMITS = likewise.Limits(published_files=5, published_bytes=10_000)


class Speaking:
    def __repr__(self) -> str:
        raise AssertionError("asked")


LARGE = [flatbomb(), tuple([1] * 100_000), Speaking(), [Speaking()], "x" * 100_000, 1 << 100_000]


@pytest.mark.parametrize("part", LARGE, ids=type)
def test_what_is_published_is_named_by_little(part: Any) -> None:
    with pytest.raises(likewise.InsecureJelly, match="can't name"):
        file_name("service", part)


@pytest.mark.parametrize("part", ["x", b"x", 5, 1.5, None, ("a", 1), ["a", {"b": 2}], "\ud800"])
def test_what_is_published_is_named_by_any_small_value(part: Any) -> None:
    assert file_name("service", part) == file_name("service", part) != file_name("service", "other")


def test_files_have_ceilings_and_the_oldest_goes(tmp_path: Path) -> None:
    (tmp_path / "id_rsa.pub").write_bytes(b"x" * 50_000)
    (tmp_path / "notes.txt").write_bytes(b"x" * 50_000)
    for number in range(50):
        path = tmp_path / f"{file_name(number)}.pub"
        assert write_file(path, b"y" * 100, LIMITS) is None
        os.utime(path, (number, number))
    ours = [path for path in tmp_path.iterdir() if len(path.stem) == 40]
    assert {path.stem for path in ours} == {file_name(number) for number in range(45, 50)}
    assert write_file(tmp_path / f"{file_name(1)}.pub", b"z" * 9_900, LIMITS) is None
    assert sum(path.stat().st_size for path in tmp_path.iterdir() if len(path.stem) == 40) == 10_000
    assert isinstance(write_file(tmp_path / f"{file_name(2)}.pub", b"z" * 10_001, LIMITS), OSError)
    assert (tmp_path / "id_rsa.pub").exists() and (tmp_path / "notes.txt").exists()


def test_unfinished_files_of_a_process_that_died_count_and_go_too(tmp_path: Path) -> None:
    for number in range(50):
        (tmp_path / f"{file_name(number)}.pub.abc{number}.new").write_bytes(b"half")
    assert write_file(tmp_path / f"{file_name('a')}.pub", b"whole", LIMITS) is None
    assert len(list(tmp_path.iterdir())) == 5


def test_files_that_a_class_names_itself_are_counted_and_not_removed(tmp_path: Path) -> None:
    results = [write_file(tmp_path / f"shelf-{number}.pub", b"x", LIMITS) for number in range(7)]
    assert results[:5] == [None] * 5 and all(isinstance(each, OSError) for each in results[5:])
    assert write_file(tmp_path / "shelf-0.pub", b"new", LIMITS) is None and (tmp_path / "shelf-0.pub").read_bytes() == b"new"


def test_a_disk_that_is_full_leaves_the_old_file_and_no_part_of_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "state"
    assert write_file(path, b"old") is None
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, hard))
    try:
        error = write_file(path, b"x" * 5_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert isinstance(error, OSError) and os.listdir(tmp_path) == ["state"] and path.read_bytes() == b"old"


def test_whoever_else_writes_the_same_file_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "state"
    states = [{"who": number, "more": "x" * 50_000} for number in range(4)]

    def keep(state: dict[str, Any]) -> None:
        for _ in range(30):
            write_file(path, state_as_bytes(state) or b"")

    writers = [threading.Thread(target=keep, args=(state,)) for state in states]
    for each in writers:
        each.start()
    while any(each.is_alive() for each in writers):
        data = read_file(path)
        assert data is None or state_from_bytes(data) in states
    assert os.listdir(tmp_path) == ["state"]


def test_only_files_are_read_and_none_that_is_too_large(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "large").write_bytes(b"x" * 10_001)
    (tmp_path / "good").write_bytes(b"x" * 10_000)
    assert [read_file(tmp_path / name, LIMITS) for name in ("fifo", "large", "missing", ".")] == [None] * 4
    assert read_file(tmp_path / "good", LIMITS) == b"x" * 10_000
