"""Before the services of an installation start: keys, databases at their newest version, topics, the demo's people.

    python -m deploy.prepare          (with the environment of the services, and DATABASE_URL_<SERVICE> for each)

Running it again changes nothing that is there.
"""

import os
import subprocess
import sys
from pathlib import Path

from deploy.local import keys
from deploy.local.names import SERVICES


def main() -> int:
    demo = os.environ.get("YIKE_ENV") != "production"
    folders = {Path(os.environ[name]).parent for name in ("MASTER_KEY_FILE", "SIGNING_KEY_FILE")}
    for folder in folders:
        keys.make(folder, demo=demo)
    steps = [["deploy.local.migrate", *SERVICES], ["shared.topics"]]
    if os.environ.get("YIKE_ENV") == "demo":
        os.environ["DATABASE_URL"] = os.environ["DATABASE_URL_REGISTRY"]
        steps.append(["services.registry.demo"])
    for step in steps:
        done = subprocess.run([sys.executable, "-m", *step], check=False)
        if done.returncode != 0:
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
