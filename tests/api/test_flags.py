"""/sdapi/v1/cmd-flags."""

from pathlib import Path

from fastapi import FastAPI
from fastapi.testclient import TestClient

from sdui.api import flags
from sdui.core.launch import Launch


def told(launch):
    app = FastAPI()
    app.include_router(flags.routes(launch))
    return TestClient(app).get("/cmd-flags").json()


def test_what_the_server_was_started_with_is_told_and_the_rest_is_a1111s_default(tmp_path):
    here = told(Launch(data_dir=tmp_path, port=7999, listen=True, ckpt_dir=(Path("/a"), Path("/b")), medvram=True))
    assert (here["port"], here["listen"], here["medvram"], here["xformers"]) == ("7999", True, True, False)
    assert here["ckpt_dir"] == "/a" and here["vae_dir"] is None and here["max_batch_count"] == 16
    assert here["data_dir"] == str(tmp_path) and here["lora_dir"] == str(tmp_path / "models" / "Lora")
    assert here["embeddings_dir"] == str(tmp_path / "embeddings") and here["styles_file"] == []


def test_no_secret_is_told(tmp_path):
    class Guarded(Launch):
        api_auth: str = ""
        gradio_auth: tuple[str, ...] = ()
        tls_keyfile: str = ""

    here = told(Guarded(data_dir=tmp_path, api_auth="ann:1234", gradio_auth=("ann:1234",), tls_keyfile="/key"))
    assert (here["api_auth"], here["gradio_auth"], here["tls_keyfile"]) == (None, None, None)
    assert "1234" not in str(here)
