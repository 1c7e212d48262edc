/**
 * Shared cells over Valkey. What is asked for at the same time is one batch: its cells are read at one moment, decided upon
 * one after another, and written by a script that does nothing unless they are still as they were read. One that was
 * overtaken by another node decides again.
 */
import type { Cells, SharedCells, StepOutcome } from '../shared-cells.ts';
import type { ValkeyClient } from './client.ts';

/** Steps decided together; what comes meanwhile is the next batch. */
const mostTogether = 64;
/** Steps that may wait; whoever comes then is told that it is away. */
const mostWaiting = 4096;
/** How often a batch is decided anew before it is given up: many nodes at one cell all the time. */
const mostTries = 50;

/** The first cell says that the others were filled. Time in milliseconds, then the cells. */
const read = `
local time = redis.call('TIME')
local found = redis.call('MGET', unpack(KEYS))
for place = 1, #KEYS do found[place] = found[place] or '' end
return { time[1] * 1000 + math.floor(time[2] / 1000), found }`;

/** For each cell what was read, what is to be there, and for how long: kept ('=' for the last) or for so many milliseconds. */
const swap = `
local found = redis.call('MGET', unpack(KEYS))
for place = 1, #KEYS do
  if (found[place] or '') ~= ARGV[place] then
    local time = redis.call('TIME')
    for each = 1, #KEYS do found[each] = found[each] or '' end
    return { time[1] * 1000 + math.floor(time[2] / 1000), found }
  end
end
for place = 1, #KEYS do
  local lasts = ARGV[2 * #KEYS + place]
  if lasts == '0' then redis.call('DEL', KEYS[place])
  elseif lasts ~= '=' then redis.call('SET', KEYS[place], ARGV[#KEYS + place], 'PX', lasts) end
end
return {}`;

interface Step {
  readonly keys: readonly string[];
  readonly decide: (cells: Cells) => unknown;
  readonly resolve: (outcome: StepOutcome<unknown>) => void;
}

interface Put {
  readonly text: string;
  readonly lastsMs: number;
}

/** `place`: in front of every key, with the part in braces that keeps all of them on one node of a cluster. */
export function sharedCells(client: ValkeyClient, place: string): SharedCells {
  const filled = `${place}filled`;
  let waiting: Step[] = [];
  let running = false;

  const seen = (answer: unknown): { readonly now: number; readonly texts: readonly string[] } | 'written' => {
    const [now, texts] = answer as readonly [number?, (readonly string[])?];
    return now === undefined || texts === undefined ? 'written' : { now, texts };
  };

  /** What each step decides, one after another, over the same cells. */
  const decideAll = (
    steps: readonly Step[],
    keys: readonly string[],
    { now, texts }: { readonly now: number; readonly texts: readonly string[] },
  ) => {
    const content = new Map(keys.map((key, at) => [key, texts[at + 1] ?? '']));
    const puts = new Map<string, Put>();
    const cells: Cells = {
      now,
      get: (key) => {
        const text = content.get(key);
        if (text === undefined) throw new TypeError(`Cannot read cell ${key}: the step did not ask for it`);
        return text;
      },
      put: (key, text, lastsMs) => {
        content.set(key, lastsMs > 0 ? text : '');
        puts.set(key, { text, lastsMs: Math.ceil(Math.max(0, lastsMs)) });
      },
    };
    const values = steps.map(({ decide }) => decide(cells));
    return { values, puts };
  };

  const batch = async (steps: readonly Step[]): Promise<readonly StepOutcome<unknown>[]> => {
    const keys = [...new Set(steps.flatMap((step) => step.keys))];
    const names = [filled, ...keys.map((key) => place + key)];
    let found = seen(await client.command('EVAL', read, names.length, ...names));
    for (let tried = 0; tried < mostTries; tried += 1) {
      if (found === 'written') break;
      if (found.texts[0] === '') return steps.map(() => ({ kind: 'emptied' }));
      const { values, puts } = decideAll(steps, keys, found);
      const done = values.map((value) => ({ kind: 'done', value }) as const);
      if (puts.size === 0) return done;
      const written = await client.command(
        'EVAL',
        swap,
        names.length,
        ...names,
        ...found.texts,
        '',
        ...keys.map((key) => puts.get(key)?.text ?? ''),
        '=',
        ...keys.map((key) => puts.get(key)?.lastsMs ?? '='),
      );
      found = seen(written);
      if (found === 'written') return done;
    }
    return steps.map(() => ({ kind: 'away' }));
  };

  const run = async (): Promise<void> => {
    running = true;
    while (waiting.length > 0) {
      const steps = waiting.slice(0, mostTogether);
      waiting = waiting.slice(mostTogether);
      const outcomes = await batch(steps).catch(() => steps.map(() => ({ kind: 'away' }) as const));
      steps.forEach(({ resolve }, at) => resolve(outcomes[at] ?? { kind: 'away' }));
    }
    running = false;
  };

  return {
    step: <T>(keys: readonly string[], decide: (cells: Cells) => T) =>
      new Promise<StepOutcome<T>>((resolve) => {
        if (client.standing().kind === 'away' || waiting.length >= mostWaiting) {
          resolve({ kind: 'away' });
          return;
        }
        waiting.push({ keys, decide, resolve: resolve as (outcome: StepOutcome<unknown>) => void });
        if (!running) queueMicrotask(() => (running ? undefined : void run()));
      }),
    fill: async (known) => {
      const time = (await client.command('TIME')) as readonly [string, string];
      const now = Number(time[0]) * 1000 + Math.floor(Number(time[1]) / 1000);
      for (const { key, text, lastsMs } of known(now))
        if (lastsMs > 0) await client.command('SET', place + key, text, 'PX', Math.ceil(lastsMs), 'NX');
      await client.command('SET', filled, '1', 'NX');
    },
    standing: () => client.standing(),
  };
}
