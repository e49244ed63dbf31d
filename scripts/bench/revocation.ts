/** Where an API node is reached. */
interface Node {
  url: string;
}

/**
 * How soon one node refuses a key that was revoked on another, from the revocation's answer to the refusal's, on calls that
 * follow each other. The other node has used the key just before.
 * @param headers of a key that may make and revoke keys
 */
export async function measureRevocation(here: Node, there: Node, headers: Record<string, string>, rounds: number) {
  const times: number[] = [];
  let firstCalls = 0;
  for (let round = 0; round < rounds; round++) {
    const { id, api_key } = await makeKey(here, headers);
    const call = async () => {
      const answer = await fetch(`${there.url}/api/v1/user/me`, { headers: { Authorization: `Bearer ${api_key}` } });
      await answer.arrayBuffer();
      return answer.status;
    };
    for (let i = 0; i < 3; i++) if ((await call()) !== 200) throw new Error('a new key was refused');
    const revoked = await fetch(`${here.url}/api/v1/user/keys/${id}`, { method: 'DELETE', headers });
    if (!revoked.ok) throw new Error(`a revocation was answered with ${revoked.status}`);
    const started = performance.now();
    let calls = 1;
    while ((await call()) !== 401) calls++;
    times.push(performance.now() - started);
    if (calls === 1) firstCalls++;
  }
  times.sort((a, b) => a - b);
  return {
    what: 'revoked on one node, refused on the other',
    'median ms': round2(times[Math.floor(rounds / 2)]),
    'max ms': round2(times.at(-1)),
    'at the first call': `${firstCalls} of ${rounds}`,
  };
}

async function makeKey({ url }: Node, headers: Record<string, string>): Promise<{ id: string; api_key: string }> {
  const made = await fetch(`${url}/api/v1/user/keys`, { method: 'POST', headers, body: '{"name":"Bench"}' });
  if (!made.ok) throw new Error(`a new key was answered with ${made.status}`);
  return (await made.json()) as { id: string; api_key: string };
}

function round2(ms = 0): number {
  return Math.round(ms * 100) / 100;
}
