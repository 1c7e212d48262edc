/** Commands of the host on one data folder, as somebody types them. */
import assert from 'node:assert/strict';
import { runCommand } from './server.ts';

type Ran = Awaited<ReturnType<typeof runCommand>>;

export interface Commands {
  readonly run: (...args: readonly string[]) => Promise<Ran>;
  /** What a command printed that went well. */
  readonly well: (...args: readonly string[]) => Promise<string>;
  readonly json: (...args: readonly string[]) => Promise<Readonly<Record<string, unknown>>>;
  /** One clear line and that exit code, and nothing on standard output. */
  readonly fails: (code: number, expected: RegExp, ...args: readonly string[]) => Promise<void>;
}

/** `data` is asked each time: a server that starts again may be another. */
export function commandsOf(noun: string, data: () => string): Commands {
  const run: Commands['run'] = (...args) => runCommand([noun, ...args, '--data', data()]);
  const well: Commands['well'] = async (...args) => {
    const { code, out, err } = await run(...args);
    assert.deepEqual([code, err], [0, ''], out);
    return out.trimEnd();
  };
  return {
    run,
    well,
    json: async (...args) => JSON.parse(await well(...args, '--json')) as Record<string, unknown>,
    fails: async (code, expected, ...args) => {
      const ran = await run(...args);
      assert.equal(ran.code, code, `${args.join(' ')}: ${ran.out}${ran.err}`);
      assert.equal(ran.out, '');
      assert.match(ran.err, expected);
      assert.equal(ran.err.trimEnd().split('\n').length, 1, ran.err);
      assert.match(ran.err, /^sallyport: /);
    },
  };
}
