"""The composer's settings, from the environment."""

from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from postcards_serving.settings import ServiceSettings

_STORE_HELP = "must be file:///folder or s3://bucket"
_LEAST_INTERVAL = 0.05


class ComposerSettings(ServiceSettings):
    """Settings of the composer. Those of the object store bear the names that MinIO's users know."""

    port: int = Field(50050, ge=0, le=65535)
    """Port that gRPC listens on; 0 lets the system choose."""
    metrics_port: int = Field(9460, ge=0, le=65535)
    """Port that the metrics are served on; 0 lets the system choose."""
    max_in_flight: int = Field(8, ge=1, le=256)
    """Postcards that are made at once; one more is turned away with a retry delay."""
    image_address: str = Field("127.0.0.1:50051", min_length=1)
    """Where the image service is: host:port or a gRPC URI."""
    audio_address: str = Field("127.0.0.1:50052", min_length=1)
    """Where the audio service is."""
    language_address: str = Field("127.0.0.1:50053", min_length=1)
    """Where the language service is."""
    store_url: str = "file:///var/lib/postcards"
    """Where postcards are kept: file:///folder or s3://bucket."""
    part_patience_seconds: float = Field(60.0, ge=0, le=3600)
    """How long a part service may show no sign of life before its part fails."""
    lease_seconds: float = Field(15.0, ge=0.3, le=600)
    """How long another process waits before it takes over a postcard whose maker has fallen silent."""
    recovery_interval_seconds: float = Field(3.0, ge=0, le=600)
    """How often unfinished postcards of other processes are looked for; 0: never, for a composer that is only asked
    what there is. Such a one does not make its folder or bucket either."""
    watch_interval_seconds: float = Field(1.0, ge=0.05, le=60)
    """How often the store is looked at for those who watch a postcard that another process makes."""
    finish_seconds: float = Field(5.0, ge=0, le=600)
    """How long postcards may be finished on shutdown before they are left to the next process."""
    minio_endpoint: str = Field("", validation_alias="MINIO_ENDPOINT")
    """Object store: host:port, or a URL whose scheme decides about TLS."""
    minio_access_key: SecretStr = Field(SecretStr(""), validation_alias="MINIO_ACCESS_KEY")
    """Object store: who we are."""
    minio_secret_key: SecretStr = Field(SecretStr(""), validation_alias="MINIO_SECRET_KEY")
    """Object store: the secret that proves it."""
    minio_secure: bool = Field(True, validation_alias="MINIO_SECURE")
    """Object store: whether to use TLS where the endpoint does not say."""
    minio_region: str = Field("us-east-1", min_length=1, validation_alias="MINIO_REGION")
    """Object store: region of the bucket."""
    minio_public_endpoint: str = Field("", validation_alias="MINIO_PUBLIC_ENDPOINT")
    """Object store: endpoint as readers see it, for the URLs handed out. Default: the same."""

    @field_validator("store_url")
    @classmethod
    def _known_scheme(cls, value: str) -> str:
        parts = urlsplit(value)
        local = parts.scheme == "file" and parts.netloc in ("", "localhost") and parts.path.startswith("/")
        if not local and not (parts.scheme == "s3" and parts.netloc and parts.path in ("", "/")):
            raise ValueError(_STORE_HELP)
        return value

    @field_validator("recovery_interval_seconds")
    @classmethod
    def _no_hurry(cls, value: float) -> float:
        if 0 < value < _LEAST_INTERVAL:
            raise ValueError(f"must be 0 or at least {_LEAST_INTERVAL}")
        return value
