"""Launch flags: what is decided before the server starts and needs a restart to change."""

from __future__ import annotations

import argparse
import ipaddress
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError

from .catalog import ModelKind
from .command_line import add_options, split_line
from .errors import LaunchError
from .model_folders import model_folders, require_folder
from .params import Param, Params, declared, explain


def _lower(text: Any) -> Any:
    return text.lower() if isinstance(text, str) else text


def _separate(text: Any) -> Any:
    """Folders in an environment variable stand as in PATH."""
    return text.split(os.pathsep) if isinstance(text, str) else text


def _path_of_url(text: Any) -> Any:
    """ "", or with a slash in front and none behind."""
    if not isinstance(text, str) or not text.strip("/"):
        return "" if isinstance(text, str) else text
    if not re.fullmatch(r"[\w.~-]+(/[\w.~-]+)*", text.strip("/"), re.ASCII):
        raise ValueError("--subpath takes a path such as /images or /tools/sdui")
    return f"/{text.strip('/')}"


Folders = Annotated[tuple[Path, ...], BeforeValidator(_separate)]
"""A flag that can be repeated; files, too."""


def _more(kind: str, folders: str) -> Param:
    return Param(f"{kind} folder", f"Looked through beside {folders} in the models folder; can be repeated.")


class Launch(Params):
    """Read once, before anything else is imported."""

    listen: Annotated[bool, Param("Listen", "Accept connections from other machines, not only from this one.")] = False
    server_name: Annotated[str, Param("Server name", "Address to listen on; overrides --listen.")] = ""
    share: Annotated[
        bool, Param("Share", "Make the server reachable from everywhere, at an address of Gradio's tunnel.")
    ] = False
    subpath: Annotated[
        str, BeforeValidator(_path_of_url), Param("Subpath", "Serve everything under this path, such as /images.")
    ] = ""
    api: Annotated[bool, Param("API", "Without effect: the HTTP API is always on.")] = False
    nowebui: Annotated[bool, Param("No web UI", "Serve the HTTP API alone, without the page.")] = False
    gradio_auth: Annotated[
        str,
        Field(repr=False),
        Param("Page accounts", "Ask for one of these on the page: user:password, several with commas.", secret=True),
    ] = ""
    gradio_auth_path: Annotated[
        Path | None, Param("File of page accounts", "More of them from this file, one a line or separated by commas.")
    ] = None
    api_auth: Annotated[
        str,
        Field(repr=False),
        Param("API accounts", "Ask for one of these on the API: user:password, several with commas.", secret=True),
    ] = ""
    api_server_stop: Annotated[
        bool, Param("API may stop the server", "Offer /sdapi/v1/server-stop, server-restart and server-kill.")
    ] = False
    cors_allow_origins: Annotated[
        str,
        Param("Allowed origins", "Other sites that may use this server: https://one.example,http://localhost:3000"),
    ] = ""
    cors_allow_origins_regex: Annotated[
        str, Param("Allowed origins by pattern", "A regular expression that the whole of such an address matches.")
    ] = ""
    tls_keyfile: Annotated[Path | None, Param("TLS key", "Serve HTTPS; the private key, PEM.")] = None
    tls_certfile: Annotated[Path | None, Param("TLS certificate", "Of the private key, with its chain, PEM.")] = None
    max_request_mb: Annotated[
        int, Field(ge=1, le=1_000_000), Param("Largest request", "Megabytes; larger requests are refused.")
    ] = 256
    enable_insecure_extension_access: Annotated[
        bool,
        Param("Extensions from afar", "Let extensions be installed while other machines can reach the server, too."),
    ] = False
    port: Annotated[int, Field(ge=1, le=65535), Param("Port", "TCP port of the page.")] = 7860
    autolaunch: Annotated[bool, Param("Autolaunch", "Open the page in the system's browser.")] = False
    data_dir: Annotated[
        Path, Param("Data folder", "Where models/, outputs/, config.json and cache/ are; default: here.")
    ] = Path()
    models_dir: Annotated[Path | None, Param("Models folder", "Instead of models/ in the data folder.")] = None
    ckpt_dir: Annotated[Folders, _more("Checkpoint", "Stable-diffusion/")] = ()
    vae_dir: Annotated[Folders, _more("VAE", "VAE/")] = ()
    lora_dir: Annotated[Folders, _more("LoRA", "Lora/")] = ()
    lyco_dir: Annotated[Folders, _more("LyCORIS", "LyCORIS/")] = ()
    embeddings_dir: Annotated[
        Folders, Param("Embeddings folder", "Looked through beside embeddings/ in the data folder; can be repeated.")
    ] = ()
    hypernetwork_dir: Annotated[Folders, _more("Hypernetwork", "hypernetworks/")] = ()
    esrgan_models_path: Annotated[Folders, _more("ESRGAN", "ESRGAN/")] = ()
    bsrgan_models_path: Annotated[Folders, _more("BSRGAN", "ESRGAN/")] = ()
    realesrgan_models_path: Annotated[Folders, _more("RealESRGAN", "RealESRGAN/")] = ()
    swinir_models_path: Annotated[Folders, _more("SwinIR", "SwinIR/")] = ()
    scunet_models_path: Annotated[Folders, _more("ScuNET", "ScuNET/")] = ()
    dat_models_path: Annotated[Folders, _more("DAT", "DAT/")] = ()
    ldsr_models_path: Annotated[Folders, _more("LDSR", "LDSR/")] = ()
    gfpgan_models_path: Annotated[Folders, _more("GFPGAN", "GFPGAN/")] = ()
    codeformer_models_path: Annotated[Folders, _more("CodeFormer", "Codeformer/")] = ()
    styles_file: Annotated[
        Folders,
        Param(
            "Styles file",
            "Instead of styles.csv in the data folder; can be repeated, and * stands for several: 'styles/*.csv'. "
            "New styles go into the first.",
        ),
    ] = ()
    allow_code: Annotated[
        bool,
        Param("Allow code", "Offer the script Custom code: whoever reaches the page can run Python on this machine."),
    ] = False
    disable_all_extensions: Annotated[bool, Param("Disable all extensions", "Start without any extension.")] = False
    disable_extra_extensions: Annotated[
        bool, Param("Disable extra extensions", "Start without those that do not come with sdui.")
    ] = False
    no_hashing: Annotated[
        bool, Param("No hashing", "Hash a model file when it is first used, not in the background.")
    ] = False
    ckpt: Annotated[str, Param("Checkpoint", "Name of the checkpoint to start with.")] = ""
    device: Annotated[str, Param("Device", "auto, cpu, cuda, cuda:N or mps.")] = "auto"
    precision: Annotated[
        Literal["auto", "fp32", "fp16", "bf16"],
        Param("Precision", "Numbers of the networks: auto (fp16 on a GPU, else fp32), fp32, fp16 or bf16."),
    ] = "auto"
    no_half_vae: Annotated[
        bool, Param("VAE in fp32", "Keep the VAE in fp32 beside a UNet in half precision; needs more memory.")
    ] = False
    medvram: Annotated[
        bool, Param("Medium VRAM", "Only the network that computes is on the GPU: a little slower, far less memory.")
    ] = False
    medvram_sdxl: Annotated[bool, Param("Medium VRAM for SDXL", "--medvram for Stable Diffusion XL alone.")] = False
    lowvram: Annotated[
        bool, Param("Low VRAM", "Only the layer that computes is on the GPU: much slower, least memory.")
    ] = False
    webhook_host: Annotated[
        tuple[str, ...],
        Param(
            "Webhook host",
            "May be told of jobs' ends (/api/jobs, webhook), such as example.org or 192.168.0.5:8080; can be repeated.",
        ),
    ] = ()
    ui_settings_file: Annotated[Path | None, Param("Settings file", "Instead of config.json in the data folder.")] = (
        None
    )
    ui_config_file: Annotated[
        Path | None,
        Param("Defaults file", "Instead of ui-config.json in the data folder; what the controls begin with."),
    ] = None
    skip_load_model_at_start: Annotated[
        bool, Param("Skip loading", "Load the checkpoint with the first picture, not at the start.")
    ] = False
    loglevel: Annotated[
        Literal["debug", "info", "warning", "error", "critical"],
        BeforeValidator(_lower),
        Param("Log level", "debug, info, warning, error or critical."),
    ] = "info"

    def folder(self, name: str) -> Path:
        """A folder of the data folder, absolute: models, outputs, cache."""
        if name == "models" and self.models_dir:
            return self.models_dir.resolve()
        return (self.data_dir / name).resolve()

    @property
    def settings_path(self) -> Path:
        return self.ui_settings_file or self.data_dir / "config.json"

    @property
    def ui_config_path(self) -> Path:
        return self.ui_config_file or self.data_dir / "ui-config.json"

    def vram_mode(self, *, sdxl: bool) -> Literal["auto", "model", "sequential"]:
        """What is on the GPU at a time; auto: what fits."""
        if self.lowvram:
            return "sequential"
        return "model" if self.medvram or (sdxl and self.medvram_sdxl) else "auto"

    def model_folders(self) -> dict[ModelKind, list[Path]]:
        """Where files of each kind are looked for."""
        given: dict[ModelKind, list[Path]] = {
            kind: [folder for flag in flags for folder in getattr(self, flag)] for kind, flags in _FLAGS.items()
        }
        return model_folders(self.folder("models"), self.data_dir, given)

    def require_folders(self) -> None:
        """Raises LaunchError for a flag that names no folder of models."""
        if self.models_dir:
            require_folder("--models-dir", self.models_dir)
        for flag in (flag for flags in _FLAGS.values() for flag in flags):
            for folder in getattr(self, flag):
                require_folder(_option(flag), folder)

    @property
    def host(self) -> str:
        return self.server_name or ("0.0.0.0" if self.listen else "127.0.0.1")

    @property
    def is_open(self) -> bool:
        """Whether others than this machine can reach the server."""
        return self.share or not is_loopback(self.host)

    @property
    def extensions_installable(self) -> bool:
        """Whether code may be put onto this machine through the server."""
        return not self.is_open or self.enable_insecure_extension_access


def is_loopback(host: str) -> bool:
    """host: without a port; an IPv6 address with or without brackets."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


_FLAGS: dict[ModelKind, tuple[str, ...]] = {
    "checkpoint": ("ckpt_dir",),
    "vae": ("vae_dir",),
    "lora": ("lora_dir", "lyco_dir"),
    "embedding": ("embeddings_dir",),
    "hypernetwork": ("hypernetwork_dir",),
    "upscaler": (
        "esrgan_models_path",
        "bsrgan_models_path",
        "realesrgan_models_path",
        "swinir_models_path",
        "scunet_models_path",
        "dat_models_path",
    ),
    "ldsr": ("ldsr_models_path",),
    "face_restorer": ("gfpgan_models_path", "codeformer_models_path"),
}
"""The start options with folders of each kind."""


def _option(field: str) -> str:
    return "--" + field.replace("_", "-")


def read_launch(argv: Sequence[str], env: Mapping[str, str]) -> tuple[Launch, list[str]]:
    """Command line over COMMANDLINE_ARGS over SDUI_* over the defaults; also the arguments that mean nothing here.

    Raises LaunchError for a value that is not valid.
    """
    parser = argparse.ArgumentParser(
        prog="webui.py", description="The sdui server.", argument_default=argparse.SUPPRESS, allow_abbrev=False
    )
    values: dict[str, Any] = {}
    add_options(parser, Launch)
    for d in declared(Launch):
        if f"SDUI_{d.path.upper()}" in env:
            values[d.path] = env[f"SDUI_{d.path.upper()}"]
    known, unknown = parser.parse_known_args([*split_line(env.get("COMMANDLINE_ARGS", "")), *argv])
    try:
        return Launch.model_validate(values | vars(known)), unknown
    except ValidationError as error:
        raise LaunchError(explain(error, Launch)) from error
