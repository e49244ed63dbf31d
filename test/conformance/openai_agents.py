"""Runs the example of the OpenAI Agents SDK with a model that calls two tools, then answers. Arguments: URL, key, folder of the example."""

import asyncio
import json
import sys

from agents import Model, ModelResponse, Usage, set_tracing_disabled
from openai.types.responses import ResponseFunctionToolCall, ResponseOutputMessage, ResponseOutputText

CALLS = [
    ("create_memory", {"title": "Deploys", "content": "The agent deploys on Fridays."}),
    ("search_memories", {"query": "agent deploys"}),
]


class ScriptedModel(Model):
    def __init__(self) -> None:
        self.turn = 0

    async def get_response(self, system_instructions, input, *_args, **_options) -> ModelResponse:
        self.turn += 1
        if self.turn <= len(CALLS):
            name, arguments = CALLS[self.turn - 1]
            said = ResponseFunctionToolCall(
                type="function_call", call_id=f"call-{self.turn}", name=name, arguments=json.dumps(arguments)
            )
        else:
            text = f"Recalled: {'deploys on Fridays' in json.dumps(input[-1], default=str)}"
            content = ResponseOutputText(type="output_text", text=text, annotations=[])
            said = ResponseOutputMessage(
                id="message", type="message", role="assistant", status="completed", content=[content]
            )
        return ModelResponse(output=[said], usage=Usage(), response_id=None)

    def stream_response(self, *_args, **_options):
        raise NotImplementedError


set_tracing_disabled(True)
url, key, folder = sys.argv[1:]
sys.path.insert(0, folder)
from openai_agents_mcp import answer  # noqa: E402

print(asyncio.run(answer(ScriptedModel(), "When do we deploy?", url, key)))
