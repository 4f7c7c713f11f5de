"""The operations guide's commands, run as they stand, in its order, in one folder."""

import os
import re
import shutil
import subprocess
import uuid

from conftest import EVAL, ROOT, engine, free_port

BLOCK = re.compile(r"^```sh\n# tested\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_the_guides_commands_work(tmp_path):
    blocks = BLOCK.findall((ROOT / "docs" / "operations.md").read_text())
    assert len(blocks) >= 5
    shutil.copy(ROOT / "compose.yaml", tmp_path)
    shutil.copytree(ROOT / "schemas", tmp_path / "schemas")
    for parent in [tmp_path, *list(tmp_path.parents)[:2]]:
        parent.chmod(0o755)
    project = f"mallkuops{uuid.uuid4().hex[:8]}"
    environment = {
        **os.environ,
        "CONTAINER": project,
        "MALLKU_CONTAINER": project,
        "MALLKU_IMAGE": EVAL,
        "MALLKU_PORT": free_port(),
        "COMPOSE_PROJECT_NAME": project,
    }
    try:
        for block in blocks:
            result = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", block],
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                timeout=120,
            )
            log = engine("logs", project, check=False)
            assert result.returncode == 0, f"{block}\n{result.stdout}{result.stderr}\n{log.stdout}{log.stderr}"
        assert (tmp_path / "backup-cold").is_dir()
    finally:
        subprocess.run(["docker-compose", "down", "--volumes"], cwd=tmp_path, env=environment, capture_output=True)
