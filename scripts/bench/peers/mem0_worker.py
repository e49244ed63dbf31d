"""Runs mem0 in this process, without an LLM. Takes one JSON request a line on stdin, answers one line each on stdout."""

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor

os.environ["MEM0_TELEMETRY"] = "False"
folder, embeddings_url = sys.argv[1], sys.argv[2]
os.environ["MEM0_DIR"] = folder

from mem0 import Memory  # noqa: E402

memory = Memory.from_config(
    {
        "vector_store": {
            "provider": "qdrant",
            "config": {"path": f"{folder}/qdrant", "on_disk": True, "embedding_model_dims": 384, "collection_name": "bench"},
        },
        "embedder": {
            "provider": "openai",
            "config": {"model": "encoder", "api_key": "none", "openai_base_url": embeddings_url, "embedding_dims": 384},
        },
        "llm": {"provider": "openai", "config": {"api_key": "none", "openai_base_url": embeddings_url}},
        "history_db_path": f"{folder}/history.db",
    }
)
USER = "bench"


def store(item):
    memory.add(item["text"], user_id=USER, metadata={"note": item["id"]}, infer=False)


def search(query, limit):
    found = memory.search(query, filters={"user_id": USER}, top_k=limit)
    return [hit.get("metadata", {}).get("note", "") for hit in found["results"]]


def together(items):
    """Stores items in threads. Returns the ids of those that raised no error."""

    def one(item):
        try:
            store(item)
            return item["id"]
        except Exception as error:  # A lost store is what is counted.
            print(repr(error), file=sys.stderr)
            return None

    with ThreadPoolExecutor(len(items)) as pool:
        return [stored for stored in pool.map(one, items) if stored]


def kept():
    found = memory.get_all(filters={"user_id": USER}, top_k=1_000_000)
    return [hit.get("metadata", {}).get("note", "") for hit in found["results"]]


ACTIONS = {
    "store": lambda request: store(request),
    "search": lambda request: search(request["query"], request["limit"]),
    "together": lambda request: together(request["items"]),
    "kept": lambda request: kept(),
}

print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    try:
        print(json.dumps({"result": ACTIONS[request["action"]](request)}), flush=True)
    except Exception as error:  # Reported to the caller.
        print(json.dumps({"error": repr(error)}), flush=True)
