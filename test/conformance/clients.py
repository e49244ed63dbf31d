"""Connects a Python client, stores a memory and finds it again. Arguments: client, transport, target, key, node and bridge."""

import asyncio
import os
import sys


def bridge_environment(target: str, key: str) -> dict[str, str]:
    url = target.removesuffix("/mcp")
    return {"PATH": os.environ["PATH"], "WHITEMAGIC_URL": url, "WHITEMAGIC_API_KEY": key, "DATA_DIR": "/nonexistent"}


def text_of(result) -> str:
    return "".join(part.text for part in result.content)


async def use(client) -> None:
    listed = await client.list_tools()
    names = [tool.name for tool in getattr(listed, "tools", listed)]
    assert "search_memories" in names, names
    await client.call_tool("create_memory", {"title": "Port", "content": "The port is 8787."})
    found = text_of(await client.call_tool("search_memories", {"query": "port"}))
    assert "The port is 8787." in found, found


async def with_fastmcp(transport: str, target: str, key: str, command: list[str]) -> None:
    from fastmcp import Client
    from fastmcp.client.transports import StdioTransport

    over_stdio = StdioTransport(command=command[0], args=command[1:], env=bridge_environment(target, key))
    client = Client(target, auth=key) if transport == "http" else Client(over_stdio)
    async with client:
        await use(client)


async def with_mcp(transport: str, target: str, key: str, command: list[str]) -> None:
    from mcp import Client, StdioServerParameters
    from mcp.client.streamable_http import streamable_http_client
    from mcp.shared._httpx_utils import create_mcp_http_client

    for mode in ("legacy", "auto"):
        if transport == "http":
            http = create_mcp_http_client(headers={"Authorization": f"Bearer {key}"})
            server = streamable_http_client(target, http_client=http)
        else:
            environment = bridge_environment(target, key)
            server = StdioServerParameters(command=command[0], args=command[1:], env=environment)
        async with Client(server, mode=mode) as client:
            await use(client)


library, transport, target, key, *command = sys.argv[1:]
asyncio.run((with_fastmcp if library == "fastmcp" else with_mcp)(transport, target, key, command))
print("ok")
