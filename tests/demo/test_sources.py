"""Packages that cannot be had, or are others, are told of."""

import httpx
import pytest

from sdui.demo.sources import NAMES, PACKAGES, DataUnavailable, fetched


def test_without_a_network_it_says_which_file_to_put_where(tmp_path, monkeypatch):
    def refused(address, **_):
        raise httpx.ConnectError("no route")

    monkeypatch.setattr(httpx, "get", refused)
    with pytest.raises(DataUnavailable, match=r"emojibase-data-17.0.0.tgz could not be fetched .*Put that file into"):
        fetched(NAMES, tmp_path)


def test_another_file_of_that_name_is_not_taken(tmp_path):
    (tmp_path / NAMES.file).write_bytes(b"something else")
    with pytest.raises(DataUnavailable, match="its SHA-256 differs"):
        fetched(NAMES, tmp_path)


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_packages_come_from_npms_registry(package):
    assert package.address.startswith("https://registry.npmjs.org/")
    assert package.licence.startswith("MIT")
