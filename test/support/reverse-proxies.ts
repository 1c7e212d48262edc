/** Debian's reverse proxies, as people have them in front of an application listener: passing everything on to one port. */
import { spawn } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { need } from './debian.ts';
import { temporaryFolder } from './server.ts';
import { freePort } from './free-port.ts';

export interface ReverseProxy {
  readonly port: number;
  readonly url: string;
  readonly close: () => Promise<void>;
}

interface Kind {
  readonly command: string;
  readonly debianPackage: string;
  readonly config: (ports: { readonly own: number; readonly target: number }, folder: string) => string;
  readonly args: (config: string, folder: string) => readonly string[];
}

/** Kept connections to Sallyport, and WebSockets: what makes a proxy worth attacking. */
const kinds = {
  nginx: {
    command: 'nginx',
    debianPackage: 'nginx',
    config: ({ own, target }, folder) => `
user root;
daemon off;
pid ${folder}/nginx.pid;
error_log stderr;
events {}
http {
  access_log off;
  client_max_body_size 0;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  upstream sallyport { server 127.0.0.1:${target}; keepalive 4; }
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  server {
    listen 127.0.0.1:${own};
    location / {
      proxy_pass http://sallyport;
      proxy_http_version 1.1;
      proxy_request_buffering off;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_set_header X-Forwarded-For $remote_addr;
    }
  }
}`,
    args: (config, folder) => ['-p', folder, '-e', 'stderr', '-c', config],
  },
  haproxy: {
    command: 'haproxy',
    debianPackage: 'haproxy',
    config: ({ own, target }) => `
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  timeout tunnel 30s
  http-reuse always
frontend front
  bind 127.0.0.1:${own}
  option forwardfor
  default_backend sallyport
backend sallyport
  server one 127.0.0.1:${target}
`,
    args: (config) => ['-db', '-f', config],
  },
  caddy: {
    command: 'caddy',
    debianPackage: 'caddy',
    config: ({ own, target }) => `
{
  admin off
  auto_https off
}
http://:${own} {
  bind 127.0.0.1
  reverse_proxy 127.0.0.1:${target}
}
`,
    args: (config) => ['run', '--adapter', 'caddyfile', '--config', config],
  },
  apache: {
    command: 'apache2',
    debianPackage: 'apache2-bin',
    config: ({ own, target }, folder) => `
ServerRoot ${folder}
ServerName localhost
PidFile ${folder}/apache.pid
DefaultRuntimeDir ${folder}
Listen 127.0.0.1:${own}
ErrorLog ${folder}/error.log
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule proxy_module /usr/lib/apache2/modules/mod_proxy.so
LoadModule proxy_http_module /usr/lib/apache2/modules/mod_proxy_http.so
MaxKeepAliveRequests 0
ProxyPreserveHost On
ProxyPass / http://127.0.0.1:${target}/ upgrade=websocket
`,
    args: (config, folder) => ['-d', folder, '-f', config, '-DFOREGROUND'],
  },
} as const satisfies Readonly<Record<string, Kind>>;

export type ReverseProxyName = keyof typeof kinds;
export const reverseProxyNames = Object.keys(kinds) as readonly ReverseProxyName[];

export async function startReverseProxy(name: ReverseProxyName, target: number): Promise<ReverseProxy> {
  const kind: Kind = kinds[name];
  const command = await need(kind.command, kind.debianPackage);
  const folder = await temporaryFolder();
  const own = await freePort();
  const config = join(folder, 'proxy.conf');
  await mkdir(join(folder, 'logs'));
  await writeFile(config, kind.config({ own, target }, folder));
  const child = spawn(command, kind.args(config, folder), {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (part: Buffer) => (said += part.toString()));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const close = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  for (let tries = 0; tries < 200; tries += 1) {
    if (child.exitCode !== null) break;
    if (await accepts(own)) return { port: own, url: `http://127.0.0.1:${own}`, close };
    await pause(50);
  }
  await close();
  throw new Error(`${name} did not start: ${said}`);
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
