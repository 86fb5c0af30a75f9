from services.dispatch.field_tables import METADATA
from shared.migrations.env import run

run(METADATA)
