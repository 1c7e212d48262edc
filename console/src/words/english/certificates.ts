/** The page for the certificate that this server shows. */
import { plural } from './plural.ts';

export const certificates = {
  certificates: {
    heading: 'Certificates',
    lead: 'What browsers are shown before anybody types a password, and what this server could show instead.',
    onlyAdmins: 'Only administrators see this page.',
    behindProxy:
      'A reverse proxy in front of this server holds the certificate, since its setting tls is off. Look after the certificate there; here is nothing to choose.',
    alarm: 'A renewed certificate was found and cannot be used. The one before it is still served.',
    alarmSince: 'Since:',
    alarmNext: 'Put the files right: they are read again within a minute, and this notice goes away by itself.',
    unseen:
      'New connections get the other certificate now, and your browser does not take it without asking you. Load the page again to see it.',
    loadAgain: 'Load the page again',
    switched: 'New connections get this certificate. Those that are open go on until they end.',
    switchedPlain: 'New connections get no certificate any more. Those that are open go on until they end.',
  },
  served: {
    nav: 'Served now',
    heading: 'Served now',
    leadTls: 'This server speaks HTTPS.',
    leadPlain: 'This server speaks HTTP.',
    plain:
      'There is no certificate in use. What travels between a browser and this server can be read by whoever is in between; on one machine nobody is. Choose a certificate below before others come here.',
    from: 'Comes from',
    certFile: 'Certificate file',
    keyFile: 'Key file',
  },
  sources: {
    proxmox: 'Proxmox VE',
    letsencrypt: 'Let’s Encrypt',
    custom: 'Files chosen here',
    settings: 'The settings of this server',
    'self-made': 'Made by this server itself',
  },
  otherSource: 'Elsewhere',
  facts: {
    subject: 'Subject',
    names: 'Good for',
    issuer: 'Issued by',
    itself: 'Itself',
    until: 'Valid until',
    left: (count: number) => plural(count, '1 day left', `${count} days left`),
    today: 'Ends within a day',
    ended: 'Ended',
    fingerprint: 'Fingerprint (SHA-256)',
    serial: 'Serial number',
    key: 'Key',
    chain: 'Trust',
    trusted: 'Trusted by this system',
    untrusted: 'Not trusted by this system',
    unknown: 'Not known',
  },
  due: {
    soon: (count: number) => `It ends in ${count} days. There is time, but put its renewal on your list.`,
    shortly: (count: number) =>
      `It ends in ${count} days. What renews it should have done so by now: look there, and renew it this week.`,
    now: (count: number) =>
      plural(
        count,
        'It ends in 1 day. Renew it now: afterwards browsers warn everybody who comes here.',
        `It ends in ${count} days. Renew it now: afterwards browsers warn everybody who comes here.`,
      ),
    today: 'It ends within a day. Renew it now: afterwards browsers warn everybody who comes here.',
    ended: 'It has ended. Browsers warn everybody who comes here until another one is in its place.',
    byItself: 'This server makes the next one itself before this one ends. Its fingerprint is another one then.',
  },
  trust: {
    selfMade: (name: string) =>
      `On each device, either open this address, compare the fingerprint in the browser’s warning with the one here and go on; or copy ${name} there and add it to the certificates that the device trusts. Never copy the key.`,
    selfMadeBare:
      'Open this address on each device, compare the fingerprint in the browser’s warning with the one here, and go on if they are the same. If they are not, somebody is in between: do not go on.',
    untrusted:
      'Nobody that this system trusts vouches for it. Signed by an authority of your own, it works on every device that was given the certificate of that authority. Signed by a public one, the file lacks a certificate in the middle: put the server’s own first, then those of whoever vouches for it.',
  },
  found: {
    nav: 'Found here',
    heading: 'Found on this machine',
    lead: 'Pairs of certificate and key that this server can read. When their files are renewed, the new ones are served within a minute.',
    empty:
      'Nothing was found. Certificates of Proxmox VE and of Let’s Encrypt would be listed here as soon as they exist; for others, name their files below.',
    source: 'From',
    certificate: 'Certificate',
    key: 'Key',
    action: 'Action',
    servedNow: 'Served now',
    check: 'Check',
    checkFull: (name: string) => `Check ${name}`,
    checking: 'Checking…',
    use: 'Use this',
    useFull: (name: string) => `Use this: ${name}`,
  },
  judged: {
    usable: (name: string) => `${name} can be used. This is what would be served:`,
    unusable: (name: string) => `${name} cannot be used.`,
    unknown: 'Something is wrong with these files.',
  },
  files: {
    nav: 'Your own files',
    heading: 'Your own files',
    lead: 'In PEM, as certbot, acme.sh, mkcert and most authorities write them. They stay where they are.',
    cert: 'Path of the certificate',
    certHelp: (name: string) => `The server’s own first, then whoever vouches for it. Read from: ${name}.`,
    certMissing: 'Type the path of the certificate.',
    key: 'Path of the private key',
    keyHelp: (name: string) => `Without a password, and readable by this server alone. Read from: ${name}.`,
    keyMissing: 'Type the path of the private key.',
    notFull: 'Type the whole path, from / on.',
    noFolders:
      'This server may not read files from any folder. Name folders in its setting tls-allowed-dirs, then start it again.',
    check: 'Check',
    use: 'Use these files',
  },
  using: {
    heading: 'Use this certificate?',
    lead: 'New connections get it at once. Those that are open go on until they end.',
    moves: (host: string) =>
      `This server then speaks HTTPS, and HTTP no longer. This console is at ${host} from then on; you may have to sign in there once more.`,
    warns:
      'Your browser will warn you, because nobody it knows vouches for this certificate. Write down or copy the fingerprint now, and go on only if the browser shows the same.',
    copy: 'Fingerprint to compare',
    submit: 'Use this certificate',
    sending: 'Putting it in place…',
    cancel: 'Cancel',
    off: 'This server has TLS switched off by its setting tls, so it serves no certificate.',
  },
  stopping: {
    nav: 'Stop using it',
    heading: 'Stop using this certificate',
    lead: 'This server then does what it does without a choice: it serves what its settings name, else a certificate of its own making on a network, and plain HTTP on the machine itself. The files stay.',
    submit: 'Stop using this certificate',
    question: 'Stop using this certificate?',
    selfMadeHeading: 'Go back to a self-made certificate',
    selfMadeLead:
      'This server then shows a certificate of its own making, unless its settings name another. Browsers warn everybody who has not trusted it yet. The files stay.',
    selfMade: 'Go back to a self-made certificate',
    selfMadeQuestion: 'Go back to a self-made certificate?',
    sending: 'Switching…',
  },
  moved: {
    heading: 'This console has another address now',
    lead: (host: string) => `From now on it is at ${host}.`,
    soon: 'You are taken there in a moment. You may have to sign in once more.',
    warns:
      'Your browser will warn you there, because nobody it knows vouches for the certificate. Go on only if it shows this fingerprint.',
    go: (host: string) => `Go to ${host}`,
  },
  /** What is wrong, where the code alone says all of it. Of files that are not there the server says which. */
  pairProblems: {
    'key-mode':
      'Others on that machine may read or change the key. Let it belong to root or to the user of this server, with mode 600.',
    'no-certificate': 'There is no certificate in this file. It has to be in PEM and begin with BEGIN CERTIFICATE.',
    'no-key': 'There is no private key in this file. It has to be in PEM.',
    'key-encrypted': 'The key is locked by a password. Store it without one.',
    mismatch: 'Certificate and key do not belong together. Take the key that this certificate was made with.',
    'not-yet-valid': 'The certificate is not valid yet. Look at the clock of this server too.',
    expired: 'The certificate has ended. Renew it first.',
    weak: 'The key or the signature is of a kind that browsers refuse. Have it made anew, with RSA 2048 or EC P-256.',
    handshake: 'A connection was tried with it, and failed.',
  },
  pairWarnings: {
    'chain-order': 'The certificates in the file are in the wrong order. They are served in the right one.',
    'chain-incomplete':
      'The file lacks a certificate between the server’s own and the authority. Some devices will not trust it.',
  },
};
