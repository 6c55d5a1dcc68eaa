"""Favourites are kept in a file that no index takes along when it is lost."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from sdui.core.errors import OutputError
from sdui.history.favourites import Favourites


def test_they_are_there_after_a_restart_and_readable(tmp_path):
    path = tmp_path / "favourites.json"
    favourites = Favourites(path)
    assert favourites.names() == frozenset()
    favourites.change("outputs/ä.png", True)
    favourites.change("outputs/b.png", True)
    favourites.change("outputs/b.png", False)
    favourites.change("outputs/c.png", False)
    assert Favourites(path).names() == {"outputs/ä.png"}
    assert json.loads(path.read_text(encoding="utf-8")) == {"pictures": ["outputs/ä.png"]}


@pytest.mark.parametrize("damage", [b"", b"[1, 2]", b'{"pictures": [1]}', b"{}", b"\xff\xfe"])
def test_a_damaged_file_is_put_aside(tmp_path, damage):
    path = tmp_path / "favourites.json"
    path.write_bytes(damage)
    favourites = Favourites(path)
    assert favourites.names() == frozenset()
    favourites.change("a.png", True)
    assert favourites.names() == {"a.png"}
    assert (tmp_path / "favourites.json.damaged").read_bytes() == damage


def test_two_servers_do_not_lose_each_others(tmp_path):
    servers = [Favourites(tmp_path / "favourites.json") for _ in range(2)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: servers[number % 2].change(f"{number}.png", True), range(20)))
    assert len(servers[0].names()) == 20


def test_what_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="Favourites: "):
        Favourites(tmp_path / "file" / "favourites.json").change("a.png", True)
