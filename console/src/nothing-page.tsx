import { Gate } from './parts/gate.tsx';
import { useStatus } from './parts/loaded-status.ts';
import { places } from './places.ts';
import { messages } from './words/messages.ts';

export function NothingPage() {
  const words = messages.nothing;
  const [status] = useStatus();
  const signedIn = status.kind === 'status' && status.person.kind === 'signed-in';
  return (
    <Gate heading={words.heading} lead={words.detail}>
      <nav class="links">
        <a href={places.account}>{words.account}</a>
        {!signedIn && <a href={places.signIn}>{words.signIn}</a>}
      </nav>
    </Gate>
  );
}
