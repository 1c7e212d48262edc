import { Button } from './parts/button.tsx';
import { Gate } from './parts/gate.tsx';
import { RefusalNotice } from './parts/refusal-notice.tsx';
import { messages } from './words/messages.ts';

/** The rest of this page did not come: no connection, or the server was renewed since the first part of it came. */
export function UnloadedPage() {
  const again = (): void => location.reload();
  return (
    <Gate heading={messages.unloaded.heading}>
      <RefusalNotice refusal={{ kind: 'offline' }} onBack={again} />
      <Button look="primary" onPress={again}>
        {messages.unloaded.again}
      </Button>
    </Gate>
  );
}
