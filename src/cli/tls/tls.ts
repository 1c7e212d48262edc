/** `sallyport tls …`: the certificate, from the host. */
import { hostTls } from '../../actions/tls/host.ts';
import { hostCommand } from '../host/command.ts';
import { certificatesTold } from '../../tls/told.ts';
import { readTlsArguments } from './arguments.ts';
import { told } from './told.ts';

export const tls = hostCommand({
  summary: 'look at the certificate, or serve another one',
  help: [
    'Usage: sallyport tls status',
    '       sallyport tls use proxmox',
    '       sallyport tls use letsencrypt',
    '       sallyport tls use CERT KEY',
    '       sallyport tls self-signed',
    '',
    'All take --json and --data FOLDER, and work with the server running or not.',
    '',
    '  status       what is served, until when, what is wrong with it, and which certificates were found.',
    '  use          serves that certificate from now on, without a restart. Files are named as PEM: the certificate, with',
    '               whoever vouches for it, and its key. They are read from the folders of tls-allowed-dirs alone, proven',
    '               by a handshake before anything changes, and read again when they change.',
    '  self-signed  drops what was chosen: on a network a certificate of our own is served then, on this machine alone',
    '               plain HTTP. What tls-cert and tls-key name comes before both.',
  ].join('\n'),
  read: readTlsArguments,
  path: '/tls',
  onStopped: (parts) => async (command) => {
    const certificates = await parts.openCertificates();
    const outcome = await hostTls({ ...parts, certificates, server: 'stopped' })(command);
    await certificatesTold({ ...parts, certificates })();
    return outcome;
  },
  told,
});
