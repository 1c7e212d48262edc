/** What is wrong with a pair, one line each. */
import type { PairNote } from '../api/certificates.ts';
import { certificateMessages } from '../words/certificate-messages.ts';
import { known } from '../words/refusal-text.ts';

export function Problems({ problems }: { readonly problems: readonly PairNote[] }) {
  return (
    <ul class="problems">
      {problems.map((problem) => (
        <li key={problem.message}>{problemText(problem)}</li>
      ))}
    </ul>
  );
}

/** The server's own sentence where it knows more than the code says: which of the files, for one. */
export function problemText({ code, message }: PairNote): string {
  return known(certificateMessages.pairProblems, code) ?? (message || certificateMessages.judged.unknown);
}
