import { spawn } from 'node:child_process';

// Stands in for an IDE that dies without a word: starts the command in its arguments, says its pid, and waits.
const [command = '', ...args] = process.argv.slice(2);
const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
process.stdout.write(`${child.pid}\n`);
setInterval(() => undefined, 60_000);
