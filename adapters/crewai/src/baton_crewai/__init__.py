"""Baton's adapter for CrewAI: every attempt of a task is a crew in a process of its own."""
