/** The forward-auth wing (2-http-api, 6): the hot path, answered without a promise when the session is known. */
import { forwardAuth, type ForwardAnswer, type ForwardAuthParts } from '../actions/forward-auth.ts';
import { byOf } from '../actions/call.ts';
import { newName, type Random } from '../crypto/random.ts';
import { problems } from '../errors.ts';
import { identityHeaders } from '../principal/identity.ts';
import { holderOf, type Principal } from '../principal/principal.ts';
import type { Recorder } from '../record/recorder.ts';
import type { MaybePromise } from '../types.ts';
import type { KnownUser } from '../verify/holders.ts';
import type { Memory } from '../verify/known/contract.ts';
import { empty, problem, redirect, type Written } from './answer.ts';
import { notMine, verifyPath, type Wing } from './handler.ts';

export function verifyWing(
  parts: ForwardAuthParts & { readonly memory: Memory; readonly random: Random; readonly recorder: Recorder },
): Wing {
  /** Answers per user, made once; a changed user is another object and gets another answer. */
  const known = new WeakMap<KnownUser, Written>();

  const passed = (principal: Principal, headers: readonly string[]): Written => {
    if (principal.kind !== 'user') return empty(200, [...identityHeaders(principal), ...headers]);
    const made = known.get(principal.user);
    if (made) return made;
    const answer = empty(200, identityHeaders(principal));
    known.set(principal.user, answer);
    return answer;
  };

  const write = (answer: ForwardAnswer): Written => {
    switch (answer.kind) {
      case 'passed':
        return passed(answer.principal, answer.headers);
      case 'redirect':
        return redirect(answer.location, answer.cookies);
      case 'verdict': {
        const requestId = newName(parts.random);
        if (answer.family !== 'nginx') return problem(answer.refusal, { requestId });
        // nginx passes on 401 and 403 and makes 500 of all else; the reason travels beside it.
        const { status } = problems[answer.refusal.code];
        const said = problem(answer.refusal, { requestId, more: ['x-auth-reason', answer.refusal.code] });
        return { ...said, status: status === 401 ? 401 : 403 };
      }
    }
  };

  return (incoming, arrival, path) => {
    if (path !== verifyPath) return notMine;
    const told = (answer: ForwardAnswer): MaybePromise<Written> => {
      if (answer.kind !== 'verdict' || answer.denied === undefined) return write(answer);
      return parts.recorder
        .denied({
          ...byOf({ incoming, arrival, principal: answer.denied.principal }),
          holder: holderOf(answer.denied.principal),
          target: answer.denied.host,
        })
        .then(() => write(answer));
    };
    const state = parts.memory.state();
    if (state instanceof Promise)
      return state.then(async (now) => told(await forwardAuth(parts, incoming, arrival, now)));
    const answer = forwardAuth(parts, incoming, arrival, state);
    return answer instanceof Promise ? answer.then(told) : told(answer);
  };
}
