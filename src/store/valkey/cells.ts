/**
 * Shared cells over Valkey. What is asked for at the same time is one batch: its cells are read at one moment, decided upon
 * one after another, and written by a script that does nothing unless they are still as they were read. One that was
 * overtaken by another node decides again.
 *
 * One more cell is the mark of all of them: each text carries the mark it was put under, and counts for nothing under
 * another. A node steps only over a mark that it has filled over this connection.
 */
import type { CellGroup, Cells, SharedCells, StepOutcome } from '../shared-cells.ts';
import type { ValkeyClient } from './client.ts';

/** Steps decided together; what comes meanwhile is the next batch. */
const mostTogether = 64;
/** Steps that may wait; whoever comes then is told that it is away. */
const mostWaiting = 4096;
/** Groups that are filled at the same time. */
const fillingAtOnce = 4;
/** How often a batch is decided anew before it is given up: many nodes at one cell all the time. */
const mostTries = 50;

/** The first cell is the mark. Time in milliseconds, then the cells. */
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
  const markKey = `${place}mark`;
  let waiting: Step[] = [];
  let running = false;
  /** Counts connections. */
  let reached = 0;
  /** The mark that this node has filled over this connection. */
  let filled = '';
  client.onReached(() => {
    reached += 1;
    filled = '';
  });

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
    const under = `${texts[0]} `;
    const unmarked = (text = ''): string => (text.startsWith(under) ? text.slice(under.length) : '');
    const content = new Map(keys.map((key, at) => [key, unmarked(texts[at + 1])]));
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
        puts.set(key, { text: under + text, lastsMs: Math.ceil(Math.max(0, lastsMs)) });
      },
    };
    const values = steps.map(({ decide }) => decide(cells));
    return { values, puts };
  };

  const batch = async (steps: readonly Step[], mark: () => string): Promise<readonly StepOutcome<unknown>[]> => {
    const keys = [...new Set(steps.flatMap((step) => step.keys))];
    const names = [markKey, ...keys.map((key) => place + key)];
    let found = seen(await client.command('EVAL', read, names.length, ...names));
    for (let tried = 0; tried < mostTries; tried += 1) {
      if (found === 'written') break;
      if (found.texts[0] === '' || found.texts[0] !== mark()) return steps.map(() => ({ kind: 'unfilled' }));
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
      const outcomes = await batch(steps, () => filled).catch(() => steps.map(() => ({ kind: 'away' }) as const));
      steps.forEach(({ resolve }, at) => resolve(outcomes[at] ?? { kind: 'away' }));
    }
    running = false;
  };

  /** What another node began is taken over, unless it is to be begun anew. */
  const markOf = async (over: Parameters<SharedCells['fill']>[0]): Promise<string> => {
    const [seconds, rest] = (await client.command('TIME')) as readonly [string, string];
    const fresh = `${seconds}.${rest.padStart(6, '0')}`;
    await client.command('SET', markKey, fresh, ...(over === 'nothing' ? [] : ['NX']));
    return String(await client.command('GET', markKey));
  };

  const fillOne = async ({ keys, decide }: CellGroup, mark: string): Promise<void> => {
    const [done] = await batch([{ keys, decide, resolve: () => undefined }], () => mark);
    if (done?.kind !== 'done') throw new Error('Cannot fill the shared cells: they were emptied meanwhile');
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
    fill: async (over, groups) => {
      const connection = reached;
      const mark = await markOf(over);
      const rest = groups[Symbol.iterator]();
      const fillOn = async (): Promise<void> => {
        try {
          for (let next = rest.next(); next.done !== true; next = rest.next()) await fillOne(next.value, mark);
        } finally {
          // Where one has failed the others stop, too.
          rest.return?.();
        }
      };
      await Promise.all(Array.from({ length: fillingAtOnce }, fillOn));
      if (connection !== reached) throw new Error('Cannot fill the shared cells: the connection was lost meanwhile');
      filled = mark;
    },
    drop: async (keys) => {
      try {
        if (keys.length > 0) await client.command('DEL', ...keys.map((key) => place + key));
        return { kind: 'gone' };
      } catch {
        return { kind: 'away' };
      }
    },
    onReached: (listener) => client.onReached(listener),
    standing: () => client.standing(),
  };
}
