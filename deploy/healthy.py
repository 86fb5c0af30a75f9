"""Is the service in this container ready? Exit code 0 if so: what the image's health check asks."""

import os
import sys

from deploy.local.ready import is_ready

if __name__ == "__main__":
    sys.exit(0 if is_ready(int(os.environ.get("PORT", "8000"))) else 1)
