"""What every Baton adapter shares.

A framework becomes an adapter by a class with the methods of `Runtime` and one call:

    sys.exit(baton_adapter.main(MyRuntime, "my-framework"))

`MyRuntime` is called with the `Config` that was read. docs/contract.md has the rules behind it.
"""

from baton_adapter.config import Config, ConfigError, ModelConfig
from baton_adapter.process import main
from baton_adapter.runtime import (
    ErrorClass,
    Failure,
    Progress,
    Rejection,
    Runtime,
    Success,
    TaskRequest,
    Usage,
)

__all__ = [
    "Config",
    "ConfigError",
    "ErrorClass",
    "Failure",
    "ModelConfig",
    "Progress",
    "Rejection",
    "Runtime",
    "Success",
    "TaskRequest",
    "Usage",
    "main",
]
