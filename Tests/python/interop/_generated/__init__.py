"""Generated from Tests/Interop/proto by generate.sh; not to be edited."""
