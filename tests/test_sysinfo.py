"""The report that a bug's description needs."""

import getpass
import json
from pathlib import Path
from types import SimpleNamespace

from sdui import sysinfo
from sdui.core.launch import Launch
from sdui.core.networks import NetworkPage
from sdui.core.settings import SettingsFile
from sdui.services import Services
from tests.support.fake_worker import CATALOG


def test_sysinfo_says_what_a_report_needs_and_nothing_private(tmp_path):
    home = Path.home() / "pictures"
    launch = Launch(data_dir=tmp_path, ckpt_dir=(home,), port=7999)
    jobs = SimpleNamespace(catalog=lambda: CATALOG, library=lambda: SimpleNamespace(page=lambda query: NetworkPage()))
    services = Services(jobs, SettingsFile(tmp_path / "config.json"), launch)
    services.settings.change(jpeg_quality=50, outdir_save=f"/mnt/{getpass.getuser()}/saved")
    told = json.loads(sysinfo.as_text(services))
    assert told["Start options"]["port"] == 7999 and told["Start options"]["ckpt_dir"] == ["~/pictures"]
    assert told["Settings"] == {"outdir_save": "/mnt/~/saved", "jpeg_quality": 50}
    assert told["Models"]["checkpoints"] == 3 and told["Models"]["checkpoints that cannot be used"] == 1
    assert "gradio" in told["Packages"] and told["Python"] and told["RAM"]["total"]
    assert str(Path.home()) + "/" not in sysinfo.as_text(services)


def test_no_secret_is_told():
    class Guarded(Launch):
        api_auth: str = ""
        tls_keyfile: str = ""

    fields = {"api_auth": "ann:1234", "tls_keyfile": "/k", "port": 5}
    assert set(sysinfo._chosen(Guarded(**fields), Guarded())) == {"port"}
