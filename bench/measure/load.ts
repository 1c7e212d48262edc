/** A bounded load on one server, from a process of its own on the other core. */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { endWithRunner, type HttpContestant } from './child.ts';
import { pinned, type Cores } from './cores.ts';
import { probe } from './probe.ts';
import type { HttpTarget } from './protocol.ts';
import { temporaryFolder } from './temporary.ts';
import { readWrk } from './wrk-output.ts';

export interface LoadResult {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Share of a core that the server used; well below 1 means that the load was too weak or the core was shared. */
  readonly serverBusy: number | null;
}

/** What a load program prints, whichever it is. */
export interface LoadReport {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers other than 2xx, and broken connections. */
  readonly failed: number;
}

export interface Load {
  readonly note: string;
  run(server: HttpContestant, seconds: number): Promise<LoadResult>;
}

const CONNECTIONS = 64;
const SLACK_MS = 20_000;

export function findLoad(cores: Cores): Load {
  const wrk = spawnSync('wrk', ['--version'], { encoding: 'utf8' }).error === undefined;
  const note = wrk
    ? `wrk -t1 -c${CONNECTIONS}`
    : `own keep-alive client, ${CONNECTIONS} connections (wrk is not on this machine; this one may be weaker than the server)`;
  const command = (server: HttpContestant, seconds: number): [string, string[]] => {
    const { port, path, headers, cookieFile, postBytes } = server.target;
    const url = `http://127.0.0.1:${port}${path}`;
    if (!wrk) {
      const file = fileURLToPath(new URL('./net-client.ts', import.meta.url));
      const more = [String(postBytes ?? ''), cookieFile ?? ''];
      return [process.execPath, [file, url, String(CONNECTIONS), String(seconds), JSON.stringify(headers), ...more]];
    }
    const heads = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
    const lua = luaFor(server.target);
    const script = lua === '' ? [] : ['-s', scriptFile(lua)];
    const how = ['-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, '--timeout', '5s', '--latency', ...script, ...heads];
    return ['wrk', [...how, url]];
  };
  return {
    note,
    async run(server, seconds) {
      // Before and after: load programs count status classes, but do not read what the answer says.
      await probe(server.target);
      const before = server.cpuMs();
      const started = performance.now();
      const output = await capture(pinned(cores.load, ...command(server, seconds)), seconds * 1000 + SLACK_MS);
      const wallMs = performance.now() - started;
      const after = server.cpuMs();
      await probe(server.target);
      const report = wrk ? readWrk(output) : (JSON.parse(output) as LoadReport);
      if (report.failed > 0) throw new Error(`${report.failed} answers were not 2xx, or did not come:\n${output}`);
      return { ...report, serverBusy: before === null || after === null ? null : (after - before) / wallMs };
    },
  };
}

/** wrk takes methods, bodies and headers that change from a Lua file only. */
function luaFor({ postBytes, cookieFile }: HttpTarget): string {
  if (postBytes !== undefined) return `wrk.method = "POST"\nwrk.body = string.rep("x", ${postBytes})\n`;
  if (cookieFile === undefined) return '';
  return `local requests, at = {}, 0
function init(args)
  for line in io.lines("${cookieFile}") do
    requests[#requests + 1] = wrk.format(nil, nil, { ["Host"] = wrk.headers["Host"], ["Cookie"] = line })
  end
end
function request()
  at = at % #requests + 1
  return requests[at]
end
`;
}

const scripts = new Map<string, string>();

function scriptFile(lua: string): string {
  const known = scripts.get(lua);
  if (known !== undefined) return known;
  const file = join(temporaryFolder(), 'load.lua');
  writeFileSync(file, lua);
  scripts.set(lua, file);
  return file;
}

async function capture([command, args]: [string, string[]], ms: number): Promise<string> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  endWithRunner(child);
  const timer = setTimeout(() => child.kill('SIGKILL'), ms);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  if (code !== 0) throw new Error(`the load program ended with ${code}:\n${output}`);
  return output;
}
