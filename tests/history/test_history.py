"""The history is what is in the folders, whatever becomes of files and of the index."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from sdui.core.errors import OutputError, PictureNotFound, RequestError, SduiError
from sdui.core.events import GeneratedImage
from sdui.core.request import GenerationRequest
from sdui.core.settings import Preferences
from sdui.history import scanning
from sdui.history.entries import Entry, read_entry
from sdui.history.history import History
from sdui.imaging.store import OutputStore, output_folders
from tests.support.fake_worker import pixels
from tests.support.servers import wait_until


def names(history: History, text: str = "") -> list[str]:
    page = history.page(text, 0, 100)
    assert page.total == len(page.rows)
    return [Path(row.name).name for row in page.rows]


def only(history: History) -> int:
    (row,) = history.page("", 0, 10).rows
    return row.id


def test_pictures_of_every_folder_are_there_newest_first(history, save):
    folders = ["txt2img-images/2026-11-05", "img2img-images", "txt2img-grids", "img2img-grids", "extras-images"]
    for number, folder in enumerate(folders, 1):
        save(f"outputs/{folder}/{number}.png", day=f"2026-11-0{number}")
    save("log/images/6.png", day="2026-11-06")
    save("elsewhere/7.png")
    history.scan()
    assert names(history) == ["6.png", "5.png", "4.png", "3.png", "2.png", "1.png"]
    page = history.page("", 2, 3)
    assert page.total == 6 and [Path(row.name).name for row in page.rows] == ["4.png", "3.png", "2.png"]


def test_what_was_read_is_not_read_again(history, open_history, save, monkeypatch):
    for number in range(3):
        save(f"outputs/txt2img-images/{number}.png")
    history.scan()
    history.close()
    read = []
    monkeypatch.setattr(scanning, "read_entry", lambda path, name: read.append(path.name) or read_entry(path, name))
    save("outputs/txt2img-images/1.png", prompt="a green pear")
    save("outputs/txt2img-images/new.png")
    again = open_history()
    again.scan()
    assert sorted(read) == ["1.png", "new.png"]
    assert names(again, "pear") == ["1.png"]


def test_deleted_files_and_folders_that_are_no_longer_used_go(history, save, tmp_path):
    save("outputs/txt2img-images/1.png").unlink()
    gone, kept = save("outputs/txt2img-images/2.png"), save("outputs/img2img-images/3.png")
    history.scan()
    assert len(names(history)) == 2
    gone.unlink()
    history.scan()
    assert names(history) == [kept.name]
    elsewhere = Preferences(outdir_img2img_samples="other")
    other = History(tmp_path, tmp_path / "cache", lambda: output_folders(tmp_path, elsewhere))
    other.scan()
    assert names(other) == []
    other.close()


@pytest.mark.parametrize("damage", [b"", b"damaged" * 2000, None, "tables"])
def test_a_lost_or_damaged_index_is_made_again(history, open_history, save, tmp_path, damage):
    save()
    history.scan()
    picture = only(history)
    history.favour(picture, True)
    history.close()
    path = tmp_path / "cache" / "history.sqlite3"
    if damage is None:
        path.unlink()
    elif damage == "tables":
        with sqlite3.connect(path) as database:
            database.execute("DROP TABLE words")
        database.close()
    else:
        path.write_bytes(damage)
    again = open_history()
    again.scan()
    assert names(again, "apple is:favourite") == ["1.png"]
    assert only(again) == picture, "what a page has open still means the same picture"


def test_an_index_that_is_damaged_while_it_is_used_is_made_again(history, save, tmp_path):
    save()
    history.scan()
    history._database.close()
    path = tmp_path / "cache" / "history.sqlite3"
    # The head stays whole, so that only reading finds it out.
    path.write_bytes(path.read_bytes()[:4096] + b"\xff" * (path.stat().st_size - 4096))
    with pytest.raises(SduiError):
        history.page("apple", 0, 10)
    history.scan()
    assert names(history, "apple") == ["1.png"]


def test_where_the_index_cannot_be_written_it_lasts_as_long_as_the_server(tmp_path, save, caplog):
    save()
    (tmp_path / "cache").touch()
    history = History(tmp_path, tmp_path / "cache", lambda: output_folders(tmp_path, Preferences()))
    history.scan()
    assert names(history, "apple") == ["1.png"]
    assert history.thumbnail(only(history))[:4] == b"RIFF"
    assert "cannot be used" in caplog.text
    history.close()


def test_broken_files_do_no_harm_and_are_shown_by_name(history, save, tmp_path):
    folder = save().parent
    (folder / "cut.png").write_bytes(save("outputs/txt2img-images/whole.png").read_bytes()[:60])
    (folder / "text.jpg").write_text("no picture")
    (folder / "empty.webp").touch()
    (folder / "notes.txt").touch()
    (folder / ".hidden.png").touch()
    (folder / "folder.png").mkdir()
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    (tmp_path / "secret.png").write_bytes((folder / "whole.png").read_bytes())
    os.mkfifo(folder / "pipe.png")
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff.png")).touch()
    history.scan()
    assert sorted(names(history)) == ["1.png", "cut.png", "empty.webp", "text.jpg", "whole.png"]
    (cut,) = history.page("cut", 0, 1).rows
    with pytest.raises(RequestError, match=r"cut\.png: this picture is damaged"):
        history.thumbnail(cut.id)


def test_a_saved_picture_is_there_at_once(history, tmp_path):
    store = OutputStore(tmp_path)
    save = history.told(store.save)
    request = GenerationRequest(prompt="a <lora:my style:0.8> fox", seed=5, width=64, height=64, model="demo")
    saved, _ = save(GeneratedImage(pixels(request, 5), request), Preferences())
    assert names(history, "fox lora:my seed:5 model:demo") == [Path(saved.path).name]
    unkept, _ = save(GeneratedImage(pixels(request, 6), request), Preferences(samples_save=False))
    assert Path(unkept.path).exists() and len(names(history)) == 1, "what is not kept is no history"
    store.close()


def test_a_failing_index_does_not_fail_a_save(history, save, monkeypatch, caplog):
    path = save()

    def fail(*given) -> None:
        raise sqlite3.OperationalError("database is locked")

    monkeypatch.setattr(history._database, "put", fail)
    saved = SimpleNamespace(path=str(path))
    assert history.told(lambda: (saved, "a warning"))() == (saved, "a warning")
    assert "database is locked" in caplog.text
    path.unlink()
    history.add(path)


def test_a_picture_that_changed_or_went_is_not_taken_for_the_old_one(history, save):
    path = save()
    history.scan()
    picture = only(history)
    save(prompt="another", day="2026-11-06")
    with pytest.raises(PictureNotFound, match="changed"):
        history.picture(picture)
    history.scan()
    assert only(history) != picture
    with pytest.raises(PictureNotFound, match="not in the history"):
        history.picture(picture)
    path.unlink()
    with pytest.raises(PictureNotFound):
        history.picture(only(history))


def test_a_link_never_leads_out_of_the_folders(history, save, tmp_path):
    path = save("outputs/txt2img-images/day/1.png")
    history.scan()
    picture = only(history)
    path.parent.rename(tmp_path / "day")
    path.parent.symlink_to(tmp_path / "day")
    with pytest.raises(PictureNotFound):
        history.picture(picture)


def test_a_favourite_cannot_be_deleted_and_outlives_the_index(history, open_history, save, tmp_path, trashed):
    path = save()
    history.scan()
    picture = only(history)
    history.favour(picture, True)
    assert names(history, "is:favourite") == ["1.png"]
    with pytest.raises(RequestError, match=r"1\.png is a favourite"):
        history.delete(picture)
    again = open_history()
    with pytest.raises(RequestError):
        again.delete(picture)
    assert path.exists() and trashed == []
    again.favour(picture, False)
    assert names(history, "is:favourite") == []
    history.delete(picture)
    assert not path.exists() and trashed == [path]
    assert names(history) == []


def test_a_thumbnail_is_made_once_and_goes_with_its_picture(history, save, tmp_path):
    save()
    history.scan()
    picture = only(history)
    made = history.thumbnail(picture)
    (kept,) = (tmp_path / "cache" / "thumbnails").rglob("*.webp")
    kept.write_bytes(b"kept")
    assert history.thumbnail(picture) == b"kept" != made
    history.delete(picture)
    assert not kept.exists()


def test_a_picture_that_cannot_be_thrown_away_stays(tmp_path, save):
    path = save()

    def refuse(path: Path) -> None:
        raise OutputError("no trash here")

    history = History(tmp_path, tmp_path / "cache", lambda: output_folders(tmp_path, Preferences()), refuse)
    history.scan()
    with pytest.raises(OutputError):
        history.delete(only(history))
    assert path.exists() and names(history) == ["1.png"]
    history.close()


def test_the_background_looks_when_it_is_told_to(history, save):
    history.start(after=60)
    assert history.page("", 0, 1).reading is None
    save()
    history.look()
    wait_until(lambda: names(history) == ["1.png"])
    save("outputs/txt2img-images/2.png")
    history.look()
    wait_until(lambda: len(names(history)) == 2)
    wait_until(lambda: history.page("", 0, 1).reading is None)
    history.close()
    assert all(thread.name != "history" for thread in threading.enumerate())


def test_fifty_thousand_pictures_are_found_quickly(history):
    """Whatever is typed and however far one scrolls."""
    for first in range(0, 50_000, 1000):
        history._database.put(
            Entry(f"outputs/{n}.png", (1, n * 10**11), 8, 8, n, f"a cat number {n}", "bad", "demo", "style", "Euler a")
            for n in range(first, first + 1000)
        )
    for text in ("", "cat", "a cat model:demo", "seed:700", "date:1970", "is:favourite", "lora:style"):
        for offset in (0, 49_900):
            took = min(timed(lambda text=text, offset=offset: history.page(text, offset, 60)) for _ in range(3))
            assert took < 0.15, f"{text!r} at {offset}: {took:.3f} s; 0.05 on a machine that is not busy"


def timed(what) -> float:
    begun = time.thread_time()
    what()
    return time.thread_time() - begun
