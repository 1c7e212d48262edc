/** Why a password was refused, as sentences. */
import type { Refusal } from '../api/answers.ts';
import { messages } from './messages.ts';
import { known } from './refusal-text.ts';
import { secretMessages } from './secret-messages.ts';

/** What the server said itself, when it names no reason that we know. */
export function passwordReasons(refusal: Extract<Refusal, { kind: 'refused' }>, hasFactor: boolean): readonly string[] {
  const sentences = refusal.reasons.map(({ code, detail }) =>
    hasFactor && code === 'too_short'
      ? secretMessages.tooShortWithFactor
      : (known(secretMessages.reasons, code) ?? detail),
  );
  const told = sentences.filter((sentence) => sentence !== '');
  return told.length > 0 ? told : [refusal.detail || messages.trouble.unknown];
}
