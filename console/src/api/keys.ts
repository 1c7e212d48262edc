/** The calls about the key ring: what is in it, and the next key of a purpose. No byte of any key comes this way. */
import {
  type Fields,
  type GivenUp,
  type Refusal,
  readFields,
  readList,
  readNumber,
  readText,
  readTime,
} from './answers.ts';
import { sendThroughDoor } from './door.ts';

export const keyPurposes = ['ticket', 'cookie', 'seal', 'audit', 'service'] as const;

export type KeyPurpose = (typeof keyPurposes)[number];

export interface Key {
  readonly id: string;
  readonly purpose: string;
  readonly state: 'published' | 'in-use' | 'old';
  readonly usedFrom: number;
  /** When the one after it is used; 0: not by itself. */
  readonly nextFrom: number;
  /** 0: it is not to go. */
  readonly keptUntil: number;
  /** What is sealed or signed under it, where that is counted. */
  readonly uses: number | 'not-counted';
}

/** How many of the sealed values are under the key in use. */
export interface Resealing {
  readonly done: number;
  readonly total: number;
}

export interface Ring {
  readonly kind: 'ring';
  readonly keys: readonly Key[];
  /** None: there is one sealing key alone. */
  readonly resealing: Resealing | undefined;
  readonly rootKey: 'fits' | 'does-not-fit';
}

export type RingOutcome = Ring | Refusal | GivenUp;

/** `planned`: published now, used in ten minutes. `stolen`, of tickets: those before it are gone at once. */
export type When = 'planned' | 'now' | 'stolen';

export interface Replaced {
  readonly kind: 'replaced';
  /** Of the service key: why its file does not hold it; empty when it does. */
  readonly fileProblem: string;
}

export type ReplaceOutcome = Replaced | Refusal | GivenUp;

export async function keyRing(): Promise<RingOutcome> {
  const answer = await sendThroughDoor('GET', '/api/auth/keys/ring');
  if (answer.kind !== 'answered') return answer;
  const { fields } = answer;
  const resealing = readFields(fields['resealing']);
  return {
    kind: 'ring',
    keys: readList(fields, 'keys').map((each) => readKey(readFields(each))),
    resealing:
      Object.keys(resealing).length === 0
        ? undefined
        : { done: readNumber(resealing, 'done'), total: readNumber(resealing, 'total') },
    rootKey: fields['root_key'] === 'does-not-fit' ? 'does-not-fit' : 'fits',
  };
}

export async function replaceKey(purpose: KeyPurpose, when: When): Promise<ReplaceOutcome> {
  const more = { planned: {}, now: { now: true }, stolen: { compromised: true } }[when];
  const answer = await sendThroughDoor('POST', '/api/auth/keys/rotate', { purpose, ...more });
  if (answer.kind !== 'answered') return answer;
  return { kind: 'replaced', fileProblem: readText(answer.fields, 'file_problem') };
}

function readKey(fields: Fields): Key {
  const state = fields['state'];
  return {
    id: readText(fields, 'id'),
    purpose: readText(fields, 'purpose'),
    state: state === 'published' || state === 'in-use' ? state : 'old',
    usedFrom: readTime(fields, 'used_from'),
    nextFrom: readTime(fields, 'next_from'),
    keptUntil: readTime(fields, 'kept_until'),
    uses: typeof fields['uses'] === 'number' ? readNumber(fields, 'uses') : 'not-counted',
  };
}
