import asyncio
import os

from whitemagic import AsyncWhiteMagic


async def main() -> None:
    async with AsyncWhiteMagic(os.environ["WHITEMAGIC_URL"], os.environ["WHITEMAGIC_API_KEY"]) as client:
        notes = ["The port is 8787.", "Tests run on two cores.", "Releases are tagged."]
        await asyncio.gather(*[client.memories.create(content=note, project="async") for note in notes])
        stored = [memory.content async for memory in client.memories.iter_list(project="async", limit=2)]
        print(sorted(stored))


asyncio.run(main())
