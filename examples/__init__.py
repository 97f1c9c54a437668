"""Plans, graphs and configurations to start from; `examples.*` is what entry points may name."""
