"""Asks twice with the Python SDK of MCP until somebody has decided, and prints the answers.

URL, KEY and MODE are in the environment. MODE is `initialize` for mcp 1.x, and for 2.x a mode of
its `Client`.
"""

import asyncio
import json
import os

MODE = os.environ["MODE"]


async def use(call_tool, tools, version):
    print(json.dumps({"version": version, "tools": sorted(t.name for t in tools)}), flush=True)
    for amount in ("1", "2"):
        signs = []

        async def progress(number, total, message):
            signs.append(number)

        tool = "request_human_approval"
        arguments = {"action": "payment.send", "payload": {"amount": amount, "from": MODE}}
        for calls in range(1, 100):
            result = await call_tool(tool, arguments, progress_callback=progress)
            said = result.model_dump(by_alias=True, mode="json")
            found = said["structuredContent"]
            if found["status"] != "pending":
                break
            tool, arguments = "get_approval", {"id": found["id"], "wait_seconds": 45}
        print(json.dumps({"result": said, "signs": signs, "calls": calls}), flush=True)


async def main():
    url, key = os.environ["URL"], os.environ["KEY"]
    headers = {"Authorization": f"Bearer {key}"}
    from mcp.client.streamable_http import streamable_http_client

    if MODE == "initialize":
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
    async with Client(streamable_http_client(url, http_client=http), mode=MODE) as client:
        tools = (await client.list_tools()).tools
        await use(client.call_tool, tools, client.protocol_version)


asyncio.run(main())
