"""Intake, put together."""

from __future__ import annotations

from typing import Any

from services.intake.api import (
    answers,
    attachments,
    cases,
    changes,
    follow_ups,
    imports,
    merging,
    personal,
    questions,
    registration,
    search,
    tracking,
    triage,
)
from services.intake.api.limits import Limit
from services.intake.registration.batches import Registrar
from services.intake.rules.retention import Retention
from services.intake.settings import Settings
from services.intake.subscriptions import SUBSCRIPTIONS
from services.intake.tables import Table
from services.intake.timers import TIMERS
from services.intake.upkeep import Discarding, Forgetting, Indexing
from shared.sealing import Sealer
from shared.service import Loop, Service


def assemble(settings: Settings, **given: Any) -> Service:
    """The service of these settings; tests give a directory and a verifier of their own."""
    service = Service(
        name="intake",
        settings=settings,
        routers=[
            registration.router,
            triage.router,
            merging.router,
            cases.router,
            cases.own_transactions,
            changes.router,
            imports.router,
            tracking.router,
            tracking.own_transactions,
            attachments.router,
            attachments.uploads,
            follow_ups.router,
            answers.router,
            search.router,
            personal.router,
            questions.router,
        ],
        subscriptions=SUBSCRIPTIONS,
        timers=TIMERS,
        loops=[
            Loop("search", Indexing(Sealer(settings.master_keys)).run),
            Loop("retention", Forgetting(_retention(settings)).run),
            Loop("files", Discarding(lambda: service.files).run),
        ],
        tables=Table.metadata,
        **given,
    )
    service.app.state.registrar = Registrar(
        service.database,
        batch_max=settings.registrations_per_batch_max,
        waiting_max=settings.registrations_waiting_max,
    )
    service.app.state.reports = Limit(settings.reports_per_source_per_minute_max)
    return service


def _retention(settings: Settings) -> Retention:
    return Retention(settings.retention_days_by_urgency, settings.retention_days_by_category)


if __name__ == "__main__":
    assemble(Settings()).run()
