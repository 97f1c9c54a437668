"""Generated from proto/ by adapters/generate.sh; not to be edited."""
