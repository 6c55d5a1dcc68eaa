"""A1111's routes for training, which sdui does not have yet: each says so."""

from __future__ import annotations

from typing import Any, NoReturn

from fastapi import APIRouter
from pydantic import BaseModel, Field

from sdui.core.errors import RequestError

from .refusals import REFUSED


class CreateResponse(BaseModel):
    info: str = Field(title="Create info")


class TrainResponse(BaseModel):
    info: str = Field(title="Train info")


def routes() -> APIRouter:
    served = APIRouter()
    for kind in ("embedding", "hypernetwork"):
        served.post(f"/create/{kind}", response_model=CreateResponse, responses=REFUSED)(_refuse)
        served.post(f"/train/{kind}", response_model=TrainResponse, responses=REFUSED)(_refuse)
    return served


def _refuse(args: dict[str, Any]) -> NoReturn:
    """Always refused: training is not part of sdui yet."""
    raise RequestError("Training is not part of sdui yet; nothing was made.")
