import { spawn } from 'node:child_process';

// Simulates an IDE that is killed: starts the command in its arguments, prints its pid, and waits.
const [command = '', ...args] = process.argv.slice(2);
const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
process.stdout.write(`${child.pid}\n`);
setInterval(() => undefined, 60_000);
