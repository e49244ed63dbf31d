/** An API node. */
interface Node {
  url: string;
}

/**
 * Measures the time from the response to a revocation on one node until another node, which has just used the key, rejects
 * it, with sequential calls.
 * @param headers headers with a key that may create and revoke keys
 */
export async function measureRevocation(here: Node, there: Node, headers: Record<string, string>, rounds: number) {
  const times: number[] = [];
  let firstCalls = 0;
  for (let round = 0; round < rounds; round++) {
    const { id, api_key } = await createKey(here, headers);
    const call = async () => {
      const response = await fetch(`${there.url}/api/v1/user/me`, { headers: { Authorization: `Bearer ${api_key}` } });
      await response.arrayBuffer();
      return response.status;
    };
    for (let i = 0; i < 3; i++) if ((await call()) !== 200) throw new Error('a new key was rejected');
    const revoked = await fetch(`${here.url}/api/v1/user/keys/${id}`, { method: 'DELETE', headers });
    if (!revoked.ok) throw new Error(`a revocation returned ${revoked.status}`);
    const started = performance.now();
    let calls = 1;
    while ((await call()) !== 401) calls++;
    times.push(performance.now() - started);
    if (calls === 1) firstCalls++;
  }
  times.sort((a, b) => a - b);
  return {
    what: 'revoked on one node, rejected by the other',
    'median ms': round2(times[Math.floor(rounds / 2)]),
    'max ms': round2(times.at(-1)),
    'at the first call': `${firstCalls} of ${rounds}`,
  };
}

async function createKey({ url }: Node, headers: Record<string, string>): Promise<{ id: string; api_key: string }> {
  const made = await fetch(`${url}/api/v1/user/keys`, { method: 'POST', headers, body: '{"name":"Bench"}' });
  if (!made.ok) throw new Error(`creating a key returned ${made.status}`);
  return (await made.json()) as { id: string; api_key: string };
}

function round2(ms = 0): number {
  return Math.round(ms * 100) / 100;
}
