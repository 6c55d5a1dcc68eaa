"""The model files that are here, looking for them anew, and what is in memory."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field

from sdui.core.catalog import SHORT, Checkpoint
from sdui.core.networks import CardKind, NetworkQuery
from sdui.core.request import LoadRequest, UnloadRequest
from sdui.services import Services

from .refusals import FAILED, NOT_FOUND
from .tasks import Tasks

_SHA256 = 64
"""Hex digits."""


class SDModelItem(BaseModel):
    title: str = Field(title="Title")
    model_name: str = Field(title="Model Name")
    hash: str | None = Field(title="Short hash")
    sha256: str | None = Field(title="sha256 hash", description="null until the file was hashed.")
    filename: str = Field(title="Filename")
    config: str | None = Field(title="Config file")


class SDVaeItem(BaseModel):
    model_name: str = Field(title="Model Name")
    filename: str = Field(title="Filename")


class HypernetworkItem(BaseModel):
    name: str = Field(title="Name")
    path: str | None = Field(title="Path")


class LoraItem(BaseModel):
    name: str = Field(title="Name")
    alias: str = Field(title="Alias", description="What its maker called it.")
    path: str = Field(title="Path")
    metadata: dict[str, str] = Field(title="Metadata", description="What training wrote into it, pictures left out.")


class EmbeddingItem(BaseModel):
    step: int | None = Field(default=None, title="Step", description="Not read from the files: null.")
    sd_checkpoint: str | None = Field(default=None, title="SD Checkpoint", description="As step.")
    sd_checkpoint_name: str | None = Field(default=None, title="SD Checkpoint Name", description="As step.")
    shape: int = Field(title="Shape", description="Numbers of each vector.")
    vectors: int = Field(title="Vectors")


class EmbeddingsResponse(BaseModel):
    loaded: dict[str, EmbeddingItem] = Field(title="Loaded", description="Those of the current checkpoint's kind.")
    skipped: dict[str, EmbeddingItem] = Field(title="Skipped", description="Those for other checkpoints.")


class MemoryResponse(BaseModel):
    ram: dict[str, Any] = Field(title="RAM", description="Bytes: free, used by this process, total.")
    cuda: dict[str, Any] = Field(title="CUDA", description="Bytes, or an error where there is no GPU.")


def routes(services: Services, tasks: Tasks) -> APIRouter:
    served, models, memory = APIRouter(), _Models(services), _Memory(services, tasks)
    served.get("/sd-models")(models.checkpoints)
    served.get("/sd-vae")(models.vaes)
    served.get("/sd-modules")(models.vaes)
    served.get("/hypernetworks")(models.hypernetworks)
    served.get("/embeddings")(models.embeddings)
    served.get("/loras")(models.loras)
    served.post("/refresh-checkpoints")(models.refresh)
    served.post("/refresh-vae")(models.refresh)
    served.post("/refresh-embeddings")(models.refresh_embeddings)
    served.post("/refresh-loras")(models.refresh_loras)
    served.get("/memory")(memory.told)
    served.post("/unload-checkpoint", responses=FAILED)(memory.unload)
    served.post("/reload-checkpoint", responses=NOT_FOUND | FAILED)(memory.reload)
    return served


class _Models:
    def __init__(self, services: Services) -> None:
        self._services, self._jobs = services, services.jobs

    def checkpoints(self) -> list[SDModelItem]:
        """Also those that cannot be used."""
        files = {one.title: one for one in self._jobs.library().located("checkpoint")}
        items: list[SDModelItem] = []
        for one in self._jobs.fresh_catalog().checkpoints:
            file, sha256 = files.get(one.title.rpartition(" [")[0] or one.title), _sha256(one)
            items.append(
                SDModelItem(
                    title=one.title,
                    model_name=one.name,
                    hash=sha256 and sha256[:SHORT],
                    sha256=sha256,
                    filename=file.location if file else "",
                    config=(file and file.config) or None,
                )
            )
        return items

    def vaes(self) -> list[SDVaeItem]:
        """Those in VAE folders go before those of the same name beside checkpoints."""
        files = {one.title.rpartition("/")[2]: one for one in self._jobs.library().located("vae")}
        return [SDVaeItem(model_name=name, filename=files[name].location) for name in sorted(files, key=str.casefold)]

    def hypernetworks(self) -> list[HypernetworkItem]:
        files = {one.name: one for one in self._jobs.library().located("hypernetwork")}
        return [HypernetworkItem(name=name, path=one.location) for name, one in files.items()]

    def embeddings(self) -> EmbeddingsResponse:
        """Whose files cannot be read is left out."""
        checkpoint = self._services.checkpoint(self._jobs.fresh_catalog())
        facts = self._jobs.embeddings(checkpoint.title) if checkpoint else {}
        loaded: dict[str, EmbeddingItem] = {}
        skipped: dict[str, EmbeddingItem] = {}
        for name, told in facts.items():
            (loaded if told.usable else skipped)[name] = EmbeddingItem(shape=told.width, vectors=told.vectors)
        return EmbeddingsResponse(loaded=loaded, skipped=skipped)

    def loras(self) -> list[LoraItem]:
        return [
            LoraItem(name=one.name, alias=one.alias, path=one.location, metadata=dict(one.metadata))
            for one in self._jobs.library().located("lora")
        ]

    def refresh(self) -> None:
        """Lists of these files are made anew for each answer: here to be called as with A1111."""
        self._jobs.fresh_catalog()

    def refresh_embeddings(self) -> None:
        self._look("embedding")

    def refresh_loras(self) -> None:
        self._look("lora")

    def _look(self, kind: CardKind) -> None:
        self._jobs.library().page(NetworkQuery(kind, count=0, anew=True))


class _Memory:
    def __init__(self, services: Services, tasks: Tasks) -> None:
        self._services, self._tasks = services, tasks

    def told(self) -> MemoryResponse:
        return MemoryResponse.model_validate(self._services.jobs.memory())

    async def unload(self) -> dict[str, Any]:
        """Move what is on the GPU into RAM."""
        await self._tasks.done(UnloadRequest())
        return {}

    async def reload(self) -> dict[str, Any]:
        """Load the checkpoint of the settings."""
        catalog = await run_in_threadpool(self._services.jobs.fresh_catalog)
        chosen = self._services.checkpoint(catalog)
        await self._tasks.done(LoadRequest(model=chosen.title if chosen else ""))
        return {}


def _sha256(checkpoint: Checkpoint) -> str | None:
    return next((digits for digits in checkpoint.hashes if len(digits) == _SHA256), None)
