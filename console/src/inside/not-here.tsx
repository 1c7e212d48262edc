import type { SignedIn } from '../api/answers.ts';
import { Gate } from '../parts/gate.tsx';
import { places } from '../places.ts';
import { accountMessages } from '../words/account-messages.ts';

interface Props {
  readonly heading: string;
  readonly must: SignedIn['must'];
  /** Why it is closed to somebody who has nothing to do first. */
  readonly why?: string;
}

/** A page that is not open: something has to be done first on the account page, or it is for others. */
export function NotHere({ heading, must, why = '' }: Props) {
  const words = accountMessages.must;
  const lead = { nothing: why, enrol: words.enrol, 'change-password': words.password }[must];
  return (
    <Gate heading={heading} lead={lead}>
      <a class="button primary" href={places.account}>
        {accountMessages.account.heading}
      </a>
    </Gate>
  );
}
