/**
 * What is shown for a signed ticket in place of a password, and is good for nothing (any more): another ticket, a challenge, a
 * ticket for a path (2-http-api, 8). Nobody guesses one, so it is charged to no name and no network but the budget that
 * protects the store; it is told like a wrong password, and at the same time (3-rules, Guessing).
 */
import { refuse, type Refusal } from '../errors.ts';
import type { Recorder } from '../record/recorder.ts';
import type { Hold } from '../throttle/hold.ts';
import type { Circumstances, UserId } from '../types.ts';
import { crowded, noted } from './walk.ts';

export interface ShownInVain {
  /** Null: nobody's. */
  readonly userId: UserId | null;
  readonly cause: string;
  /** `garbage`: anybody can have made it, any number of times. */
  readonly is: 'garbage' | 'somebodys';
}

export function shownInVain({
  recorder,
  hold,
}: {
  readonly recorder: Pick<Recorder, 'refused'>;
  readonly hold: Hold;
}): (shown: ShownInVain, circumstances: Circumstances) => Promise<Refusal> {
  return async (shown, circumstances) => {
    await recorder.refused({
      event: 'sign-in-refused',
      kind: 'ticket',
      guessed: shown.is === 'garbage' ? null : 'unguessable',
      actor: '',
      way: 'ticket',
      ...noted(shown, circumstances),
    });
    const held = await hold.untilWholeSecond(circumstances.arrivedAt);
    return held.kind === 'crowded' ? crowded : refuse('invalid_credentials');
  };
}
