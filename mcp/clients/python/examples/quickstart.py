import os

from whitemagic import NotFoundError, WhiteMagic

with WhiteMagic(os.environ["WHITEMAGIC_URL"], os.environ["WHITEMAGIC_API_KEY"]) as client:
    # Repeats after a lost connection store nothing twice: each write carries an Idempotency-Key.
    stored = client.memories.create(content="We deploy on Fridays.", tags=["ops"])
    client.memories.update(id=stored.id, add_tags=["deploy"])

    for hit in client.search.query(query="When do we deploy?", limit=3).results:
        print(hit.title, " ".join(hit.tags))

    context = client.search.context(query="release process", max_tokens=500)
    print(f"{context.tokens} tokens of context", bool(context.context))

    # Reads page after page.
    memories = client.memories.iter_list(tags=["ops"], limit=1)
    print(f"{sum(1 for _ in memories)} memories")

    try:
        client.memories.get(id="0198a3b2-7c1d-7e2f-8a9b-0c1d2e3f4a5b")
    except NotFoundError as error:
        print(type(error).__name__, error.code)
