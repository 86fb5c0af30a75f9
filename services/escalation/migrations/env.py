from services.escalation.tables import Table
from shared.migrations.env import run

run(Table.metadata)
