/** What the operator is told when the server is ready (2-http-api, 1; 3-rules, Setup states). */
import type { Settings } from '../../config/schema.ts';
import type { Log } from '../../record/recorder.ts';
import type { Places } from '../../request/arrival.ts';
import type { SetupCode } from '../../actions/signing-in/make-setup-code.ts';
import type { Sallyport } from '../../setup.ts';
import type { Certificates } from '../../tls/contract.ts';
import type { Terminal } from '../exit-codes.ts';

export async function announce(parts: {
  readonly sallyport: Sallyport;
  readonly settings: Settings;
  readonly places: Places;
  readonly certificates: Pick<Certificates, 'standing'>;
  readonly terminal: Terminal;
  readonly log: Log;
  /** Writes the code's file and gives the link. */
  readonly keepCode: (made: SetupCode) => string;
  readonly forgetCode: () => void;
}): Promise<void> {
  const { sallyport, places, terminal, log } = parts;
  const state = await sallyport.memory.state();
  // Ready is told when the code works: whoever has given one may use it at once.
  const made = await sallyport.newSetupCode('own');
  const link = made.kind === 'made' ? parts.keepCode(made) : undefined;
  terminal.out(`sallyport ready on ${places.console[0]}`);
  if (places.application[0] !== undefined) terminal.out(`application on ${places.application[0]}`);
  const { serving } = await parts.certificates.standing();
  // Whoever trusts the system trusts this one as well; any other is compared once.
  if (serving.kind === 'tls' && serving.proven.chain === 'untrusted')
    terminal.out(`certificate: SHA-256 ${serving.proven.pair.info.fingerprint}`);
  if (link === undefined) parts.forgetCode();
  else terminal.out(`setup link: ${link}`);
  if (state === 'declined')
    log.warn({ state }, 'running without sign-in, as was decided: everybody reaches the application');
  if (state === 'off') log.warn({ state }, 'sign-in is switched off: everybody reaches the application');
  // The code is dead once used; its file goes with it.
  const stopListening = sallyport.onChanges((changes) => {
    if (!changes.some((change) => change.subject.kind === 'installation')) return;
    void (async () => {
      try {
        if ((await sallyport.memory.state()) !== 'configured') return;
        parts.forgetCode();
        stopListening();
      } catch (fault) {
        log.error({ err: fault }, 'the file of the used setup code could not be taken away');
      }
    })();
  });
}
