/** /auth/sign-in: what it shows depends on the state of the installation and on where the person came from. */
import { useEffect, useState } from 'preact/hooks';
import type { SecondStep } from '../api/sign-in.ts';
import { Gate } from '../parts/gate.tsx';
import { useStatus } from '../parts/loaded-status.ts';
import { Notice } from '../parts/notice.tsx';
import { type Origin, afterSignIn, cameFrom, places } from '../places.ts';
import { messages } from '../words/messages.ts';
import { CodeStep } from './code-step.tsx';
import { type Remark, SignInForm } from './sign-in-form.tsx';
import { SwitchOn } from './switch-on.tsx';

type Step =
  | { readonly kind: 'password'; readonly remark: Remark; readonly username: string }
  | { readonly kind: 'code'; readonly second: SecondStep; readonly username: string };

const query = new URLSearchParams(location.search);
const origin = cameFrom(query);

export function SignInPage() {
  const [status, reload] = useStatus();
  const [step, setStep] = useState<Step>({ kind: 'password', remark: remarkOf(query), username: '' });

  const signedIn = status.kind === 'status' && status.enabled && status.person.kind === 'signed-in';
  // Never away from "your session ended": if two answers of the server disagree, this must not become a circle.
  const leaving = signedIn && origin.kind === 'none' && !query.has('expired');
  useEffect(() => {
    if (leaving) location.replace(afterSignIn(query));
  }, [leaving]);

  if (status.kind === 'status' && !status.configured) return <Unset declined={status.declined} />;
  if (status.kind === 'status' && !status.enabled) {
    const switchedOn = async (username: string): Promise<void> => {
      await reload();
      setStep({ kind: 'password', remark: 'switched-on', username });
    };
    return <SwitchOn onDone={(username) => void switchedOn(username)} />;
  }
  if (leaving) return null;
  if (signedIn && origin.kind !== 'none') return <Stuck origin={origin} />;
  if (step.kind === 'code') {
    return (
      <CodeStep
        step={step.second}
        onSignedIn={goOn}
        onOver={() => setStep({ kind: 'password', remark: 'code-over', username: step.username })}
        onBack={() => setStep({ kind: 'password', remark: 'none', username: step.username })}
      />
    );
  }
  return (
    <SignInForm
      host={origin.kind === 'host' ? origin.host : ''}
      remark={step.remark}
      username={step.username}
      onSignedIn={goOn}
      onCodeWanted={(second, username) => setStep({ kind: 'code', second, username })}
      onStale={() => void reload()}
    />
  );
}

/** With an application waiting, this same address asks the server, which now sends the browser there. */
function goOn(): void {
  location.replace(origin.kind === 'none' ? afterSignIn(query) : location.pathname + location.search);
}

function remarkOf(asked: URLSearchParams): Remark {
  if (asked.has('expired')) return 'expired';
  return asked.has('signed-out') ? 'signed-out' : 'none';
}

function Unset({ declined }: { readonly declined: boolean }) {
  const words = messages.unset;
  return (
    <Gate
      heading={declined ? words.declinedHeading : words.heading}
      lead={declined ? words.declinedDetail : words.detail}
    >
      <a class={declined ? 'button' : 'button primary'} href={places.setup}>
        {words.link}
      </a>
    </Gate>
  );
}

/** Signed in, and still here: the server does not know the host to go back to. */
function Stuck({ origin: from }: { readonly origin: Origin }) {
  const words = messages.stuck;
  return (
    <Gate heading={words.heading}>
      <Notice tone="warn">
        <p>{from.kind === 'host' ? words.detail(from.host) : words.detailUnknown}</p>
      </Notice>
      <a class="button primary" href={places.account}>
        {words.account}
      </a>
    </Gate>
  );
}
