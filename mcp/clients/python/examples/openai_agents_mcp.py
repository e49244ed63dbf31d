"""Gives an agent of the OpenAI Agents SDK a memory over MCP: no tool is written by hand.

pip install openai-agents
"""

from agents import Agent, Runner
from agents.mcp import MCPServerStreamableHttp


async def answer(model, prompt: str, base_url: str, api_key: str) -> str:
    params = {"url": f"{base_url}/mcp?project=shop", "headers": {"Authorization": f"Bearer {api_key}"}}
    async with MCPServerStreamableHttp(params, cache_tools_list=True) as memory:
        agent = Agent(
            name="Assistant",
            instructions="Search your memory before you answer, and store what later sessions need.",
            model=model,
            mcp_servers=[memory],
        )
        result = await Runner.run(agent, prompt, max_turns=5)
        return result.final_output
