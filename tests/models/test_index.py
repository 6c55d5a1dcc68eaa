"""The index is kept between starts, and never stands in the way."""

import sqlite3
import threading
import time

import pytest

from sdui.models.hashes import Hashes
from sdui.models.index import Index, Learned, Record


@pytest.fixture
def path(tmp_path):
    return tmp_path / "cache" / "models.sqlite3"


def learned(name="/a", version=(1, 2), **given):
    return Learned(name, version, {"alias": "hat"}, {"sha256": "ab"}, {"key": "väl\n", **given})


def test_what_was_learned_is_there_after_a_restart(path):
    first = Index(path)
    first.learn([learned()])
    first.close()
    again = Index(path)
    assert again.get("/a", (1, 2)) == Record((1, 2), "", "hat", Hashes("ab"))
    assert again.metadata("/a", (1, 2)) == {"key": "väl\n"}


def test_another_version_of_a_file_is_another_file(path):
    index = Index(path)
    index.learn([learned()])
    assert index.get("/a", (1, 3)) == Record((1, 3))
    assert index.metadata("/a", (1, 3)) is None
    index.learn([Learned("/a", (1, 3), hashes={"autov1": "cd"})])
    assert index.get("/a", (1, 3)).hashes == Hashes(autov1="cd")
    index.learn([Learned("/a", (1, 3), hashes={"sha256": "ef"})])
    assert index.get("/a", (1, 3)).hashes == Hashes("ef", "cd"), "beside what was known"


@pytest.mark.parametrize("damage", [b"", b"damaged" * 1000, None])
def test_a_damaged_index_is_made_again(path, damage):
    index = Index(path)
    index.learn([learned()])
    index.close()
    if damage is None:
        with sqlite3.connect(path) as database:
            database.execute("DROP TABLE files")
            database.execute("CREATE TABLE files (path TEXT)")
            database.execute("INSERT INTO files VALUES ('x')")
        database.close()
    else:
        path.write_bytes(damage)
    again = Index(path)
    assert again.get("/a", (1, 2)) == Record((1, 2))
    again.learn([learned()])
    again.close()
    assert Index(path).get("/a", (1, 2)).alias == "hat"


def test_an_index_that_cannot_be_written_lasts_as_long_as_the_server(tmp_path, caplog):
    (tmp_path / "file").touch()
    index = Index(tmp_path / "file" / "models.sqlite3")
    index.learn([learned()])
    assert index.get("/a", (1, 2)).alias == "hat"
    assert index.metadata("/a", (1, 2)) is None
    assert "cannot be used" in caplog.text


def test_another_server_does_not_lose_what_this_one_learned(path):
    one, other = Index(path), Index(path)
    one.learn([learned("/a")])
    other.learn([learned("/b")])
    one.learn([learned("/c")])
    again = Index(path)
    assert [again.get(name, (1, 2)).alias for name in ("/a", "/b", "/c")] == ["hat"] * 3


def test_threads_can_use_it_at_once(path):
    index = Index(path)
    index.learn([learned()])

    def work(number):
        for count in range(20):
            index.learn([Learned(f"/{number}/{count}", (1, 2), hashes={"sha256": str(count)})])
            assert index.metadata("/a", (1, 2)) == {"key": "väl\n"}

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    index.close()
    again = Index(path)
    assert all(again.get(f"/{n}/{c}", (1, 2)).hashes.sha256 == str(c) for n in range(4) for c in range(20))


def test_ten_thousand_files_are_quick(path):
    index = Index(path)
    begun = time.process_time()
    index.learn(learned(f"/models/{number}") for number in range(10_000))
    index.close()
    again = Index(path)
    assert all(again.get(f"/models/{number}", (1, 2)).alias for number in range(10_000))
    assert time.process_time() - begun < 3
