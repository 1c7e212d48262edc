/** A command line in its parts: commands have flags of their own, and take every setting as a flag besides. */

/**
 * Our own flags with their values, settings with theirs, and what is no flag at all: taken where a command names things
 * like that, or left for whoever reads settings to refuse.
 */
export function parted(
  argv: readonly string[],
  {
    mine,
    valueless = ['json'],
    bare,
  }: {
    readonly mine: readonly string[];
    /** Those of our own that stand alone. */
    readonly valueless?: readonly string[];
    readonly bare: 'taken' | 'settings';
  },
): readonly [string[], string[], string[]] {
  const [taken, settings, others]: [string[], string[], string[]] = [[], [], []];
  for (let at = 0; at < argv.length; at += 1) {
    const text = argv[at] ?? '';
    const name = /^--([a-z-]+)(?:=|$)/.exec(text)?.[1];
    const value = argv[at + 1];
    const withValue = name !== undefined && !valueless.includes(name) && !text.includes('=') && value !== undefined;
    if (name === undefined && bare === 'taken') others.push(text);
    else {
      const list = name !== undefined && mine.includes(name) ? taken : settings;
      list.push(text);
      if (withValue && !(list === settings && value.startsWith('--'))) {
        list.push(value);
        at += 1;
      }
    }
  }
  return [taken, settings, others];
}

/** What Node says of flags that cannot be read: its first line names the flag, the others give advice on dashes. */
export function complaintOf(fault: unknown): string {
  return (fault instanceof Error ? fault.message : String(fault)).split('\n', 1)[0] ?? '';
}
