"""Asks twice with the Python SDK of MCP, and prints what it was answered: agent.py URL KEY MODE.

MODE is `initialize` for mcp 1.x, and for 2.x a mode of its `Client`.
"""

import asyncio
import json
import sys


async def use(call_tool, tools, version):
    print(json.dumps({"version": version, "tools": sorted(t.name for t in tools)}), flush=True)
    for amount in ("1", "2"):
        signs = []

        async def progress(number, total, message):
            signs.append(number)

        result = await call_tool(
            "request_human_approval",
            {"action": "payment.send", "payload": {"amount": amount, "from": sys.argv[3]}},
            progress_callback=progress,
        )
        said = result.model_dump(by_alias=True, mode="json")
        print(json.dumps({"result": said, "signs": signs}), flush=True)


async def main():
    url, key, mode = sys.argv[1:]
    headers = {"Authorization": f"Bearer {key}"}
    from mcp.client.streamable_http import streamable_http_client

    if mode == "initialize":
        import httpx
        from mcp import ClientSession

        http = httpx.AsyncClient(headers=headers, timeout=httpx.Timeout(30, read=60))
        async with streamable_http_client(url, http_client=http) as (read, write, _):
            async with ClientSession(read, write) as session:
                hello = await session.initialize()
                tools = (await session.list_tools()).tools
                await use(session.call_tool, tools, hello.protocolVersion)
        return

    import httpx2
    from mcp import Client

    http = httpx2.AsyncClient(headers=headers, timeout=httpx2.Timeout(30, read=60))
    async with Client(streamable_http_client(url, http_client=http), mode=mode) as client:
        tools = (await client.list_tools()).tools
        await use(client.call_tool, tools, client.protocol_version)


asyncio.run(main())
