"""Load of WhiteMagic with Locust: agents that remember, search and ask for context over REST and MCP.

`npm run load` starts the service and runs this file. Its settings are environment variables:
LOAD_KEYS    file with a JSON array of API keys, one account each
LOAD_PACE    seconds between two calls of a user; 0 is as fast as it goes
LOAD_SHAPE   "spike": ten users, then a hundred more at once, then ten again
LOAD_NOISY   file with the API key of one tenant that makes the most expensive calls all the time
"""

import json
import os
import random
import uuid

from locust import FastHttpUser, LoadTestShape, constant, constant_pacing, events, task

KEYS = json.load(open(os.environ["LOAD_KEYS"]))
PACE = float(os.environ.get("LOAD_PACE", "3"))
NOISY = os.environ.get("LOAD_NOISY")
WORDS = (
    "deploy release staging database index query cache token budget review invoice customer "
    "retry timeout schema migration vector encoder search ranking webhook signature session "
    "cookie dashboard import export backup restore alert metric trace node worker queue"
).split()

# Reads of a key that need no argument. Each user calls them now and then, so that every one is part of the load.
READS = [
    "/api/v1/memories?limit=20",
    "/api/v1/near-duplicates",
    "/api/v1/tags",
    "/api/v1/projects",
    "/api/v1/import",
    "/api/v1/stats",
    "/api/v1/stats/storage",
    "/api/v1/user/me",
    "/api/v1/user/usage",
    "/api/v1/user/usage.csv",
    "/api/v1/user/requests",
    "/api/v1/user/memberships",
    "/api/v1/user/audit-log",
    "/api/v1/user/keys",
    "/api/v1/webhooks",
    "/api/v1/user/apps",
    "/api/v1/account/exports",
]
PUBLIC = ["/", "/docs", "/docs/quickstart", "/openapi.json", "/api/v1/plans", "/health", "/ready"]


def words(count):
    return " ".join(random.choices(WORDS, k=count))


def memory():
    return {
        "title": f"{words(4)} {uuid.uuid4().hex[:8]}",
        "content": words(random.randint(20, 120)),
        "tags": random.sample(WORDS, 2),
        "project": random.choice(["api", "site", "infra"]),
    }


class Tenant(FastHttpUser):
    """One account with a key. A response other than 2xx, an intended 429 apart, is a failure."""

    abstract = True
    key = ""

    def call(self, method, path, name=None, body=None, accepted=()):
        headers = {"Authorization": f"Bearer {self.key}", "Accept": "application/json, text/event-stream"}
        arguments = {"headers": headers, "name": name or path.split("?")[0], "catch_response": True}
        if body is not None:
            arguments["json"] = body
        with self.client.request(method, path, **arguments) as response:
            if response.status_code == 429:
                self.environment.limited = getattr(self.environment, "limited", 0) + 1
                response.success()
            elif response.status_code in accepted:
                response.success()
            elif not 200 <= response.status_code < 300:
                response.failure(f"status {response.status_code}")
            return response

    def tool(self, name, arguments):
        body = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "tools/call",
            "params": {"name": name, "arguments": arguments},
        }
        response = self.call("POST", "/mcp", name=f"MCP {name}", body=body)
        return response


class Agent(Tenant):
    """An agent at work: it searches and asks for context more often than it stores."""

    wait_time = constant_pacing(PACE) if PACE > 0 else constant(0)
    next_key = 0

    def on_start(self):
        self.key = KEYS[Agent.next_key % len(KEYS)]
        Agent.next_key += 1
        self.ids = []
        self.remember()

    @task(16)
    def remember(self):
        response = self.call("POST", "/api/v1/memories", body=memory())
        if response.status_code == 201:
            self.ids = self.ids[-50:] + [response.json()["id"]]

    @task(20)
    def search(self):
        self.call("POST", "/api/v1/search", body={"query": words(3), "limit": 10})

    @task(10)
    def build_context(self):
        self.call("POST", "/api/v1/context", body={"query": words(4), "max_tokens": 1500})

    @task(12)
    def mcp_search(self):
        self.tool("search_memories", {"query": words(3)})

    @task(6)
    def mcp_context(self):
        self.tool("get_context", {"query": words(3)})

    @task(8)
    def mcp_remember(self):
        self.tool("create_memory", {"title": words(4), "content": words(40)})

    @task(8)
    def read(self):
        if self.ids:
            self.call("GET", f"/api/v1/memories/{random.choice(self.ids)}", "/api/v1/memories/{id}")

    @task(6)
    def update(self):
        if self.ids:
            body = {"content": words(60)}
            self.call("PATCH", f"/api/v1/memories/{random.choice(self.ids)}", "/api/v1/memories/{id}", body)

    @task(2)
    def versions(self):
        if self.ids:
            path = f"/api/v1/memories/{random.choice(self.ids)}/versions"
            self.call("GET", path, "/api/v1/memories/{id}/versions")

    @task(2)
    def forget(self):
        if len(self.ids) > 5:
            self.call("DELETE", f"/api/v1/memories/{self.ids.pop()}", "/api/v1/memories/{id}")

    @task(2)
    def batch(self):
        body = {"memories": [memory() for _ in range(10)]}
        self.call("POST", "/api/v1/memories/batch", body=body, accepted=(207,))

    @task(1)
    def consolidate(self):
        self.call("POST", "/api/v1/consolidate", body={"dry_run": True})

    @task(1)
    def keys(self):
        response = self.call("POST", "/api/v1/user/keys", body={"name": "load", "scopes": ["memories:read"]})
        if response.status_code == 201:
            self.call("DELETE", f"/api/v1/user/keys/{response.json()['id']}", "/api/v1/user/keys/{id}")

    @task(6)
    def look(self):
        self.call("GET", random.choice(READS))

    @task(2)
    def visit(self):
        self.call("GET", random.choice(PUBLIC))


class NoisyTenant(Tenant):
    """One tenant that makes the most expensive calls, on eight connections, as fast as it can."""

    wait_time = constant(0)
    fixed_count = 8 if NOISY else 0
    weight = 0

    def on_start(self):
        self.key = json.load(open(NOISY))[0]

    def noisy(self, method, path, body=None, accepted=()):
        self.call(method, path, f"noisy {path}", body, (*accepted, 409, 503))

    @task(4)
    def bulk(self):
        self.noisy("POST", "/api/v1/memories/batch", {"memories": [memory() for _ in range(100)]}, (207,))

    @task(1)
    def export(self):
        self.noisy("POST", "/api/v1/account/export")

    @task(2)
    def consolidate(self):
        self.noisy("POST", "/api/v1/consolidate", {"dry_run": True})

    @task(4)
    def large_context(self):
        self.noisy("POST", "/api/v1/context", {"query": words(8), "tier": 2, "max_tokens": 10000})


if not NOISY:
    del NoisyTenant

if os.environ.get("LOAD_SHAPE") == "spike":

    class Spike(LoadTestShape):
        """Ten users for a third of the time, 110 for a third, and ten again."""

        def tick(self):
            third = float(os.environ["LOAD_SECONDS"]) / 3
            time = self.get_run_time()
            if time > 3 * third:
                return None
            return (110, 100) if third < time < 2 * third else (10, 100)


@events.quitting.add_listener
def report_limited(environment, **_):
    """Prints the number of intended 429s, for the program that reads the output."""
    print(f"limited: {getattr(environment, 'limited', 0)}")
    # Failures are judged by their share, by the program that started this.
    environment.process_exit_code = 0
