"""What a service is told by its environment. Every limit carries its unit; what is wrong or missing is said by name.

Outside the demo, keys marked as demo keys and the simulated clock are refused: a city must not run on a secret that
anybody can make at home.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, TypeVar

from joserfc.jwk import ECKey
from pydantic import Field, ModelWrapValidatorHandler, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.keys import DEMO_MARK, KeyFileError, Secret, read_secrets, read_signing_keys


class Surroundings(StrEnum):
    """YIKE_ENV. Production is the default, so that forgetting to say it errs on the strict side."""

    DEMO = "demo"
    PRODUCTION = "production"
    TEST = "test"


class SettingsRefused(SystemExit):
    """Ends the process with one sentence per fault instead of a traceback: an operator reads this, not a programmer."""


class ServiceSettings(BaseSettings):
    """The settings every service has. A service's own add fields, and name in `needs` the key files it cannot do
    without."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)
    needs: ClassVar[frozenset[str]] = frozenset()

    yike_env: Surroundings = Surroundings.PRODUCTION
    database_url: str = Field(description="postgresql+asyncpg://user:password@host:port/database")
    kafka_bootstrap: str = Field(description="host:port of one or more brokers, with commas between")
    topic_prefix: str = Field(default="", description="before every topic and group, to share a cluster")
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    trusted_proxies: str = Field(
        default="127.0.0.1", description="whose X-Forwarded-For is believed; * where only Caddy can reach us"
    )
    public_url: str = Field(default="http://127.0.0.1:8000", description="how residents' browsers reach us")

    oidc_issuer: str = Field(default="http://127.0.0.1:8000/api/registry", description="who may sign tokens")
    jwks_url: str = "http://127.0.0.1:8000/api/registry/jwks.json"
    oidc_audience: str | None = None
    oidc_algorithms: tuple[Literal["ES256", "ES384", "RS256", "PS256", "EdDSA"], ...] = ("ES256",)
    claim_person: str = "sub"
    claim_name: str = "name"
    claim_grants: str = "grants"
    claim_language: str = "lang"

    files_url: str | None = Field(
        default=None, description="a folder, file://…, s3://bucket/prefix or memory://"
    )
    master_key_file: Path | None = None
    internal_token_file: Path | None = None
    signing_key_file: Path | None = None
    intake_url: str | None = Field(default=None, description="where notify asks for a requester's address")
    dispatch_url: str | None = Field(
        default=None, description="where notify and intake ask who comes; without it residents hear no name"
    )
    who_comes_timeout_seconds: float = Field(default=1.0, gt=0, description="then they are told without it")

    simulation: bool = False
    log_format: Literal["json", "text"] = "json"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    otel_exporter_otlp_endpoint: str | None = None

    pool_size: int = Field(default=10, ge=2, le=200)
    request_bytes_max: int = Field(default=1_048_576, ge=1024)
    upload_bytes_max: int = Field(default=20_971_520, ge=1024)
    outbox_partitions_max: int = Field(default=16, ge=1, le=256, description="how many one process relays")
    ready_within_seconds: float = Field(default=5.0, gt=0)
    live_within_seconds: float = Field(default=60.0, gt=0)
    drain_within_seconds: int = Field(default=10, ge=1)
    idempotency_kept_hours: int = Field(
        default=168, ge=1, description="an offline phone may repeat itself that late"
    )

    @cached_property
    def master_keys(self) -> tuple[Secret, ...]:
        """The key in use first; needs MASTER_KEY_FILE."""
        return _keys("MASTER_KEY_FILE", self.master_key_file, read_secrets)

    @cached_property
    def internal_tokens(self) -> tuple[Secret, ...]:
        """What services show each other; needs INTERNAL_TOKEN_FILE."""
        return _keys("INTERNAL_TOKEN_FILE", self.internal_token_file, read_secrets)

    @cached_property
    def signing_keys(self) -> tuple[ECKey, ...]:
        """The key that signs first; needs SIGNING_KEY_FILE."""
        return _keys("SIGNING_KEY_FILE", self.signing_key_file, read_signing_keys)

    @property
    def demo_is_allowed(self) -> bool:
        """Whether demo keys, demo accounts and a simulated clock may be used."""
        return self.yike_env != Surroundings.PRODUCTION

    @model_validator(mode="wrap")
    @classmethod
    def _say_what_is_wrong(cls, values: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            settings = handler(values)
        except ValidationError as wrong:
            raise SettingsRefused("\n".join(_sentence(cls, fault) for fault in wrong.errors())) from None
        if faults := list(settings._faults()):
            raise SettingsRefused("\n".join(faults))
        return settings

    def _faults(self) -> list[str]:
        faults = [fault for name in _KEY_FILES if (fault := self._fault_of(name))]
        if self.simulation and not self.demo_is_allowed:
            faults.append(
                "SIMULATION=1 is refused in production: deadlines would run on an invented clock. Unset it."
            )
        if self.files_url is None and "files_url" in self.needs:
            faults.append("FILES_URL is missing: set it to a folder or to s3://bucket/prefix.")
        return faults

    def _fault_of(self, name: str) -> str | None:
        variable, kind, path = name.upper(), _KEY_FILES[name], getattr(self, name)
        if path is None:
            return f"{variable} is missing: {_make_one(kind)}" if name in self.needs else None
        try:
            ids = _key_ids(kind, path)
        except KeyFileError as wrong:
            return f"{variable}: {wrong}. {_make_one(kind)}"
        if not self.demo_is_allowed and any(key_id.startswith(DEMO_MARK) for key_id in ids):
            return f"{variable}: {path} holds a demo key, refused in production. {_make_one(kind)}"
        return None


Key = TypeVar("Key")

_KEY_FILES = {"master_key_file": "secret", "internal_token_file": "secret", "signing_key_file": "signing"}


def _key_ids(kind: str, path: Path) -> list[str]:
    if kind == "signing":
        return [key.kid or "" for key in read_signing_keys(path)]
    return [secret.id for secret in read_secrets(path)]


def _keys(variable: str, path: Path | None, read: Callable[[Path], tuple[Key, ...]]) -> tuple[Key, ...]:
    if path is None:
        raise LookupError(f"{variable} is not set; the service's settings must name it in `needs`")
    return read(path)


def _make_one(kind: str) -> str:
    return f"Make one with `python -m shared.keys {kind} > FILE`, readable by this service only, and name it there."


def _sentence(settings: type[ServiceSettings], fault: Any) -> str:
    """Names the variable and what is wrong, never the value: it may be a secret."""
    name = str(fault["loc"][0]) if fault["loc"] else "settings"
    field = settings.model_fields.get(name)
    hint = f" ({field.description})" if field and field.description else ""
    problem = "is missing: set it" if fault["type"] == "missing" else f"is refused: {fault['msg']}"
    return f"{name.upper()} {problem}{hint}."
