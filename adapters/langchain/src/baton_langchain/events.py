"""What LangChain's callbacks tell of a run: chunks, messages and the tokens used."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from baton_adapter.runtime import Progress, Usage
from langchain_core.callbacks import AsyncCallbackHandler
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, LLMResult


class RunEvents(AsyncCallbackHandler):
    """Sums up the usage of one run over all its model calls and passes on what it says."""

    def __init__(self, progress: Progress, agent: str, *, chunks: bool) -> None:
        self._progress = progress
        self._agent = agent
        # Where the run's output is what one model call says; a graph has nodes instead.
        self._chunks = chunks
        self._input_tokens = self._output_tokens = self._calls = 0
        self._models: set[str] = set()
        self._nodes: dict[UUID, str] = {}

    @property
    def usage(self) -> Usage:
        model = next(iter(self._models)) if len(self._models) == 1 else ""
        return Usage(self._input_tokens, self._output_tokens, self._calls, model)

    async def on_chat_model_start(
        self,
        serialized: dict[str, Any],  # noqa: ARG002
        messages: list[list[BaseMessage]],  # noqa: ARG002
        *,
        run_id: UUID,
        metadata: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        self._calls += 1
        node = None if self._chunks else (metadata or {}).get("langgraph_node")
        self._nodes[run_id] = str(node or self._agent)

    async def on_llm_new_token(self, token: Any, **_: Any) -> None:
        if self._chunks and isinstance(token, str) and token:
            self._progress.chunk(token)

    async def on_llm_end(self, response: LLMResult, *, run_id: UUID, **_: Any) -> None:
        agent = self._nodes.pop(run_id, self._agent)
        for generations in response.generations:
            for generation in generations:
                if isinstance(generation, ChatGeneration):
                    self._count(generation.message)
                    self._progress.message(agent, "assistant", str(generation.message.text))
        self._progress.usage(self.usage)

    async def on_llm_error(self, error: BaseException, *, run_id: UUID, **_: Any) -> None:  # noqa: ARG002
        self._nodes.pop(run_id, None)
        self._progress.usage(self.usage)

    async def on_tool_start(self, serialized: dict[str, Any], input_str: str, **_: Any) -> None:
        self._progress.log("info", f"tool {serialized.get('name', '')}: {input_str}")

    def _count(self, message: BaseMessage) -> None:
        if isinstance(message, AIMessage) and message.usage_metadata is not None:
            self._input_tokens += message.usage_metadata["input_tokens"]
            self._output_tokens += message.usage_metadata["output_tokens"]
        name = message.response_metadata.get("model_name")
        if isinstance(name, str) and name:
            self._models.add(name)
