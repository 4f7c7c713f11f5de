"""Calls tools of an MCP server over stdio: mcp_client.py SERVER, with a JSON list of [tool, arguments] on stdin.

Prints the texts of the answers as a JSON list. Runs in the environment of mcp-requirements.txt, not in pytest's.
"""

import asyncio
import json
import os
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


async def call(server: str, calls: list) -> list[str]:
    # The environment of a desktop client's configuration: the server finds the engine by PATH.
    parameters = StdioServerParameters(command=server, args=[], env=dict(os.environ))
    async with stdio_client(parameters) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        answers = []
        for tool, arguments in calls:
            result = await session.call_tool(tool, arguments)
            answers.append("\n".join(part.text for part in result.content))
        return answers


print(json.dumps(asyncio.run(call(sys.argv[1], json.load(sys.stdin)))))
