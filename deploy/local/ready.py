"""Whether a service says that it is ready."""

import http.client
import json


def is_ready(port: int, registry_revision: int = 0) -> bool:
    """`registry_revision`: as ready as that it knows what the registry was then."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/health/ready")
        answer = connection.getresponse()
        known = json.loads(answer.read())["registry_revision"]
        return answer.status == 200 and known >= registry_revision
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
