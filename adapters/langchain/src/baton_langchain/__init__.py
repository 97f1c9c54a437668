"""Baton's adapter for LangChain and LangGraph: every attempt is a coroutine in this process."""
