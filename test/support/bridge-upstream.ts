import { mcpHandler, startService } from './bridge-service.ts';

// A fake service in a process of its own, so that a test can kill it: node --import tsx bridge-upstream.ts <port>
const service = await startService(mcpHandler('json'), Number(process.argv[2] ?? 0));
process.stdout.write(`${service.port}\n`);
