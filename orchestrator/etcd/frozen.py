"""The base of every value that is read from or written to a file."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """Immutable, and no key that we do not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
