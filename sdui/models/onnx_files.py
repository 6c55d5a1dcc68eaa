"""Networks in ONNX files, run by onnxruntime on the GPU where it can."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from sdui.core.errors import ModelFileError

_PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")


def opened(path: Path) -> Any:
    """onnxruntime's InferenceSession. Raises ModelFileError, naming the file."""
    onnx: Any = importlib.import_module("onnxruntime")
    faults: Any = importlib.import_module("onnxruntime.capi.onnxruntime_pybind11_state")
    # Its errors have no common class of their own.
    known: tuple[type[Exception], ...] = (faults.Fail, faults.InvalidProtobuf, faults.InvalidGraph, faults.NoSuchFile)
    try:
        providers = [name for name in _PROVIDERS if name in onnx.get_available_providers()]
        return onnx.InferenceSession(str(path), providers=providers)
    except (*known, RuntimeError, ValueError) as error:
        raise ModelFileError(f"{path} is no ONNX network that can be used. {error}") from error
