"""Scripts, what they can be told, and the extensions."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from fastapi import APIRouter
from pydantic import BaseModel, Field

from sdui.core.catalog import Catalog
from sdui.core.groups import Group, Kind, groups_of
from sdui.core.params import Declared, declared
from sdui.extensions import loader
from sdui.services import Services

_GIT_PATIENCE = 10
"""Seconds."""


class ScriptsList(BaseModel):
    txt2img: list[str] = Field(title="Txt2img", description="Titles of scripts.")
    img2img: list[str] = Field(title="Img2img", description="Titles of scripts.")


class ScriptArg(BaseModel):
    label: str | None = Field(default=None, title="Label")
    value: Any = Field(default=None, title="Value", description="The default.")
    minimum: Any = Field(default=None, title="Minimum")
    maximum: Any = Field(default=None, title="Maximum")
    step: Any = Field(default=None, title="Step")
    choices: list[str] | None = Field(default=None, title="Choices")


class ScriptInfo(BaseModel):
    name: str | None = Field(default=None, title="Name", description="The title in lower case.")
    is_alwayson: bool | None = Field(default=None, title="IsAlwayson", description="Whether it joins others.")
    is_img2img: bool | None = Field(default=None, title="IsImg2img")
    args: list[ScriptArg] = Field(title="Arguments", description="In the order of script_args.")


class ExtensionItem(BaseModel):
    name: str = Field(title="Name")
    remote: str = Field(title="Remote", description="Where it was cloned from.")
    branch: str = Field(title="Branch")
    commit_hash: str = Field(title="Commit Hash")
    version: str = Field(title="Version", description="First digits of the commit.")
    commit_date: str = Field(title="Commit Date", description="Seconds since 1970.")
    enabled: bool = Field(title="Enabled")


def routes(services: Services) -> APIRouter:
    served, scripts = APIRouter(), _Scripts(services)
    served.get("/scripts")(scripts.titles)
    served.get("/script-info")(scripts.told)
    served.get("/extensions")(scripts.extensions)
    return served


class _Scripts:
    def __init__(self, services: Services) -> None:
        self._services = services

    def titles(self) -> ScriptsList:
        def of(kind: Kind) -> list[str]:
            return [group.title.lower() for group in self._groups(kind)]

        return ScriptsList(txt2img=of("txt2img"), img2img=of("img2img"))

    def told(self) -> list[ScriptInfo]:
        catalog = self._services.jobs.fresh_catalog()
        kinds: tuple[Kind, ...] = ("txt2img", "img2img")
        return [
            ScriptInfo(
                name=group.title.lower(),
                is_alwayson=group.place == "always",
                is_img2img=kind == "img2img",
                args=[self._argument(group, name, kind, catalog) for name in group.arguments()],
            )
            for kind in kinds
            for group in self._groups(kind)
        ]

    def extensions(self) -> list[ExtensionItem]:
        """Those in the extensions folder."""
        launch = self._services.launch
        off = launch.disable_all_extensions or launch.disable_extra_extensions
        return [
            _described(one.name, one.folder, enabled=not (off or one.problem))
            for one in loader.find(launch.folder("extensions"))
        ]

    def _groups(self, kind: Kind) -> list[type[Group]]:
        """Scripts of which one is chosen, then those that are always there; as A1111 lists them."""
        groups = [group for group in groups_of(self._services.requests).values() if kind in group.kinds]
        return sorted(groups, key=lambda group: group.place == "always")

    def _argument(self, group: type[Group], name: str, kind: Kind, catalog: Catalog) -> ScriptArg:
        d = next((d for d in declared(group) if d.path == name), None)
        if d is None:
            return ScriptArg(label="", value="")
        choices = group.offered(d.path, self._services.requests, kind) or _choices(d, catalog)
        low, high = d.param.slider or d.bounds()
        value: Any = d.field.get_default(call_default_factory=True)
        return ScriptArg(
            label=d.param.label,
            value=[*cast("tuple[Any, ...]", value)] if isinstance(value, tuple) else value,
            minimum=low,
            maximum=high,
            step=d.param.step,
            choices=list(choices) or None,
        )


def _choices(d: Declared, catalog: Catalog) -> Sequence[str]:
    offered = d.param.choices
    if isinstance(offered, tuple):
        return offered
    return catalog.names(offered) if offered and catalog.lists(offered) else ()


def _described(name: str, folder: Path, *, enabled: bool) -> ExtensionItem:
    """What Git knows of it; "" where it was not cloned."""
    commit, _, date = _git(folder, "log", "-1", "--format=%H %ct").partition(" ")
    return ExtensionItem(
        name=name,
        remote=_git(folder, "remote", "get-url", "origin"),
        branch=_git(folder, "branch", "--show-current"),
        commit_hash=commit,
        version=commit[:8],
        commit_date=date,
        enabled=enabled,
    )


def _git(folder: Path, *words: str) -> str:
    """Its answer; "" where there is no repository of the folder's own, or no Git."""
    if not (folder / ".git").exists():
        return ""
    try:
        done = subprocess.run(["git", "-C", folder, *words], capture_output=True, timeout=_GIT_PATIENCE, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode(errors="replace").strip()
