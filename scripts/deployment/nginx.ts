import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type DeployedProcess, startProcess } from './process.ts';

/** Returns true when nginx is installed. */
export function isNginxInstalled(): boolean {
  try {
    execFileSync('nginx', ['-v'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Starts an nginx in front of nodes on loopback ports. */
export async function startNginx(folder: string, port: number, nodePorts: readonly number[]): Promise<DeployedProcess> {
  const file = join(folder, 'nginx.conf');
  await writeFile(file, nginxConfig(folder, port, nodePorts));
  return startProcess({
    command: 'nginx',
    args: ['-p', folder, '-c', file, '-e', join(folder, 'nginx.log')],
    cwd: folder,
    logFile: join(folder, 'nginx.log'),
    readyUrl: `http://127.0.0.1:${port}/health`,
  });
}

/**
 * Returns a configuration as docs/upgrades.md recommends it. Idle connections to nodes end before a stopping node closes them, and a request
 * that a node did not accept goes to the next one. Started by root, nginx runs as root: another user could not enter the folder.
 */
function nginxConfig(folder: string, port: number, nodePorts: readonly number[]): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `
daemon off;
${process.getuid?.() === 0 ? 'user root;' : ''}
worker_processes 1;
pid ${folder}/nginx.pid;
events { worker_connections 2048; }
http {
  access_log off;
  ${temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join('\n  ')}
  client_max_body_size 2m;
  keepalive_requests 100000;
  upstream whitemagic {
    ${nodePorts.map((nodePort) => `server 127.0.0.1:${nodePort} max_fails=0;`).join('\n    ')}
    keepalive 64;
    keepalive_timeout 3s;
  }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://whitemagic;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_buffering off;
      proxy_read_timeout 75s;
      proxy_next_upstream error timeout;
      proxy_next_upstream_tries 2;
    }
  }
}
`;
}
