"""Running the real engine in tests."""

from pathlib import Path

from sdui.builtin import all as all_builtin
from sdui.core.events import GeneratedImage, ImageReady, StopToken
from sdui.core.request import GenerationRequest
from sdui.core.settings import Preferences
from sdui.engine.engine import Engine
from sdui.extensions import loader
from sdui.extensions.host import Host
from sdui.models.files import ModelFiles
from sdui.models.store import ModelStore
from sdui.sampling.registry import builtin


def make_engine(checkpoints: list[Path], work: Path, *, host: Host | None = None, **folders: Path) -> Engine:
    """folders: of other kinds of model files, by kind."""
    others = {kind: [folder] for kind, folder in folders.items()}
    files = ModelFiles({"checkpoint": checkpoints, "taesd": [work / "VAE-taesd"], **others}, work / "cache")
    store = ModelStore(files, device="cpu", precision="fp32")
    return Engine(store, builtin(), work, host=host or make_host())


def make_host(*extensions: Path) -> Host:
    """With everything that comes with sdui, and the extensions in these folders."""
    host = Host()
    all_builtin.add_all(host, ["params", "engine"])
    for folder in extensions:
        assert loader.add_all(host, loader.find(folder), ["params", "engine"]) == []
    return host


def draw(engine: Engine, request: GenerationRequest, **preferences) -> list[GeneratedImage]:
    """The pictures of a request, grids left out."""
    events = []
    engine.run(request, Preferences(**preferences), events.append, StopToken())
    return [event.image for event in events if isinstance(event, ImageReady) and event.image.kind != "grid"]
