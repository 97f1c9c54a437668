"""Real parts for the tests of adapters: processes, an orchestrator's registry, model servers.

`baton_adapter.testing.fixtures` is a pytest plugin with the ones that are started once.
"""
