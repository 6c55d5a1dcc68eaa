"""The names that requests may use: samplers, schedules, upscalers, face restorers, styles."""

from __future__ import annotations

import re

from fastapi import APIRouter
from pydantic import BaseModel, Field

from sdui.core.catalog import Facts
from sdui.services import Services

from .refusals import REFUSED

_SCALE = re.compile(r"(?<![0-9])([1-8])x(?![a-z0-9])|(?<![a-z0-9])x([1-8])(?![0-9])", re.IGNORECASE)
_USUAL_SCALE = 4
_REALESRGAN = "R-ESRGAN"


class SamplerItem(BaseModel):
    name: str = Field(title="Name")
    aliases: list[str] = Field(title="Aliases")
    options: dict[str, str] = Field(title="Options")


class SchedulerItem(BaseModel):
    name: str = Field(title="Name")
    label: str = Field(title="Label")
    aliases: list[str] | None = Field(title="Aliases")
    default_rho: float | None = Field(title="Default Rho", description="-1 where the schedule has none.")
    need_inner_model: bool | None = Field(
        title="Needs Inner Model", description="Whether it takes its levels from those that the checkpoint learned."
    )


class UpscalerItem(BaseModel):
    name: str = Field(title="Name")
    model_name: str | None = Field(title="Model Name")
    model_path: str | None = Field(title="Path")
    model_url: str | None = Field(title="URL")
    scale: float | None = Field(title="Scale", description="As its name says, else 4.")


class LatentUpscalerModeItem(BaseModel):
    name: str = Field(title="Name")


class FaceRestorerItem(BaseModel):
    name: str = Field(title="Name")
    cmd_dir: str | None = Field(title="Path")


class RealesrganItem(BaseModel):
    name: str = Field(title="Name")
    path: str | None = Field(title="Path")
    scale: int | None = Field(title="Scale")


class PromptStyleItem(BaseModel):
    name: str = Field(title="Name")
    prompt: str | None = Field(title="Prompt")
    negative_prompt: str | None = Field(title="Negative Prompt")


def routes(services: Services) -> APIRouter:
    served, lists = APIRouter(), _Lists(services)
    served.get("/samplers")(lists.samplers)
    served.get("/schedulers")(lists.schedulers)
    served.get("/upscalers")(lists.upscalers)
    served.get("/latent-upscale-modes")(lists.latent_upscale_modes)
    served.get("/face-restorers")(lists.face_restorers)
    served.get("/realesrgan-models")(lists.realesrgan_models)
    served.get("/prompt-styles", responses=REFUSED)(lists.prompt_styles)
    return served


class _Lists:
    def __init__(self, services: Services) -> None:
        self._services, self._jobs = services, services.jobs

    def samplers(self) -> list[SamplerItem]:
        catalog = self._jobs.fresh_catalog()
        facts = {name: catalog.sampler_facts.get(name, Facts()) for name in catalog.samplers}
        return [SamplerItem(name=name, aliases=[*told.aliases], options=told.options) for name, told in facts.items()]

    def schedulers(self) -> list[SchedulerItem]:
        catalog = self._jobs.fresh_catalog()
        facts = {label: catalog.schedule_facts.get(label, Facts()) for label in catalog.schedules}
        unknown = {"default_rho": None, "need_inner_model": None}
        return [
            SchedulerItem.model_validate(
                {"name": label, **unknown, **told.options, "label": label, "aliases": told.aliases or None}
            )
            for label, told in facts.items()
        ]

    def upscalers(self) -> list[UpscalerItem]:
        """Of pixels."""
        files = {one.name: one for one in self._jobs.library().located("upscaler")}
        return [
            UpscalerItem(
                name=name,
                model_name=name if name in files else None,
                model_path=files[name].location if name in files else None,
                model_url=None,
                scale=_scale(name),
            )
            for name in self._jobs.fresh_catalog().upscalers
        ]

    def latent_upscale_modes(self) -> list[LatentUpscalerModeItem]:
        catalog = self._jobs.fresh_catalog()
        return [LatentUpscalerModeItem(name=name) for name in catalog.hires_upscalers if name not in catalog.upscalers]

    def face_restorers(self) -> list[FaceRestorerItem]:
        """Also those whose files are not there."""
        return [FaceRestorerItem(name=one.name, cmd_dir=None) for one in self._jobs.fresh_catalog().face_restorers]

    def realesrgan_models(self) -> list[RealesrganItem]:
        """Those that are there."""
        return [
            RealesrganItem(name=one.name, path=one.location, scale=_scale(one.name))
            for one in self._jobs.library().located("upscaler")
            if one.name.startswith(_REALESRGAN)
        ]

    def prompt_styles(self) -> list[PromptStyleItem]:
        return [
            PromptStyleItem(name=style.name, prompt=style.prompt, negative_prompt=style.negative_prompt)
            for style in self._services.styles.read()
        ]


def _scale(name: str) -> int:
    found = _SCALE.search(name)
    return int(found[1] or found[2]) if found else _USUAL_SCALE
