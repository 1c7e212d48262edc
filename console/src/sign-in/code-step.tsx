/** The second step of a sign-in on a page of its own. */
import { useState } from 'preact/hooks';
import type { SecondStep } from '../api/sign-in.ts';
import { Gate } from '../parts/gate.tsx';
import { messages } from '../words/messages.ts';
import { type Source, SecondFactorForm, sourcesOf } from './second-factor.tsx';

interface Props {
  readonly step: SecondStep;
  readonly onSignedIn: () => void;
  /** The challenge is used up or too old; the password is asked again. */
  readonly onOver: () => void;
  readonly onBack: () => void;
}

export function CodeStep({ step, ...ways }: Props) {
  const [source, setSource] = useState<Source>(sourcesOf(step)[0] ?? 'none');
  return (
    <Gate {...said[source]} focus={false}>
      <SecondFactorForm step={step} source={source} onSource={setSource} {...ways} />
    </Gate>
  );
}

const words = messages.code;
const said: Readonly<Record<Source, { readonly heading: string; readonly lead?: string }>> = {
  passkey: { heading: words.passkeyHeading, lead: words.passkeyLead },
  app: { heading: words.heading, lead: words.lead },
  recovery: { heading: words.recoveryHeading, lead: words.recoveryLead },
  none: { heading: words.noneHeading },
};
