/** `sallyport NOUN ACTION …` read: which action it is, about what, and which settings came along. */
import { parseArgs } from 'node:util';
import { complaintOf, parted } from '../own-flags.ts';

export interface Wrong {
  readonly kind: 'wrong';
  readonly why: string;
}

/** A command line as it was meant. */
export type Reading<Asked> =
  | Wrong
  | {
      readonly kind: 'read';
      readonly command: Asked;
      readonly json: boolean;
      readonly settings: readonly string[];
    };

type Flags = Readonly<Record<string, { readonly type: 'string' | 'boolean'; readonly multiple?: boolean }>>;

export type Values<Own extends Flags> = {
  readonly [Name in keyof Own]?: Own[Name] extends { readonly multiple: true }
    ? readonly string[]
    : Own[Name]['type'] extends 'boolean'
      ? true
      : string;
};

/** An action: which of the flags it takes, and what it is told after its name: several times with `…`, perhaps in brackets. */
export interface ActionLine<Flag> {
  readonly flags: readonly Flag[];
  readonly after: string;
}

export interface Noun<Action extends string, Own extends Flags> {
  readonly name: string;
  /** Flags of its actions, beside `--json`, which all take; all others are settings. */
  readonly flags: Own;
  readonly actions: Readonly<Record<Action, ActionLine<keyof Own & string>>>;
  readonly aliases: ReadonlyMap<string, Action>;
}

export interface ActionRead<Action extends string, Own extends Flags> {
  readonly kind: 'read';
  readonly action: Action;
  /** What stood after its name. */
  readonly names: readonly string[];
  readonly values: Values<Own>;
  readonly json: boolean;
  readonly settings: readonly string[];
}

export function readAction<Action extends string, Own extends Flags>(
  argv: readonly string[],
  noun: Noun<Action, Own>,
): Wrong | ActionRead<Action, Own> {
  const [first = '', ...rest] = argv;
  const action = noun.aliases.get(first) ?? first;
  if (!isActionOf(noun, action))
    return wrong(`say what to do: sallyport ${noun.name} ${Object.keys(noun.actions).join(', ')}.`);
  const { flags, after } = noun.actions[action];
  const options = { ...noun.flags, json: { type: 'boolean' } } as const;
  const valueless = Object.entries<Flags[string]>(options).flatMap(([name, { type }]) =>
    type === 'boolean' ? [name] : [],
  );
  const [taken, settings, names] = parted(rest, { mine: [...flags, 'json'], valueless, bare: 'taken' });
  let values;
  try {
    ({ values } = parseArgs({ args: taken, options, strict: true }));
  } catch (fault) {
    return wrong(complaintOf(fault));
  }
  const words = after === '' ? [] : after.split(' ');
  const least = words.filter((word) => !word.startsWith('[')).length;
  if (names.length < least || (!after.endsWith('…') && names.length > words.length))
    return wrong(`expected: sallyport ${noun.name} ${action} ${after}`.trimEnd());
  const read = values as Values<Own> & { readonly json?: true };
  return { kind: 'read', action, names, values: read, json: read.json === true, settings };
}

function isActionOf<Action extends string>(noun: Noun<Action, Flags>, text: string): text is Action {
  return Object.hasOwn(noun.actions, text);
}

export function wrong(why: string): Wrong {
  return { kind: 'wrong', why };
}
