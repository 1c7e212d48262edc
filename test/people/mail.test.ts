/** The mail room against a real mail server: proven TLS, no injection, tries again, and an end in order. */
import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { mailSender, type SmtpPlace, smtpUrl } from '../../src/config/mail-place.ts';
import { outwardTls } from '../../src/crypto/certificates/outward.ts';
import { type Mailer, smtpMailer } from '../../src/mail/mailer.ts';
import { mailNotices } from '../../src/mail/notices.ts';
import { type Outbox, outbox } from '../../src/mail/outbox.ts';
import { linkLetter, noticeLetter } from '../../src/mail/words.ts';
import type { AuditEvent, NoticeKind, NoticeRow, UserRow } from '../../src/store/rows.ts';
import type { Millis, Origin, UserId } from '../../src/types.ts';
import { type Authority, makeAuthority } from '../support/certificates.ts';
import { freePort } from '../support/free-port.ts';
import { temporaryFolder } from '../support/server.ts';
import { type MailServer, startMailServer } from '../support/smtp.ts';
import { pause, settled } from '../support/waiting.ts';

const consoleOrigin = 'https://nas.home' as Origin;
const userId = 'u_alice' as UserId;
const letter = { to: 'alice@example.org', subject: 'Hello', text: 'Good evening.\n' };
const never = new AbortController().signal;

function placeOf(text: string): SmtpPlace {
  const parsed = smtpUrl.parse(text);
  assert.ok(parsed.kind === 'value', text);
  return parsed.value;
}

function mailerTo(text: string, ca: string | null = null, from = 'Sign-in <sallyport@nas.home>'): Mailer {
  const sender = mailSender.parse(from);
  assert.ok(sender.kind === 'value');
  const read = outwardTls('smtp', { ca, cert: null, key: null }, assert.fail);
  assert.ok(read.kind === 'ready');
  return smtpMailer({ place: placeOf(text), from: sender.value, tls: read.tls });
}

const causeOf = async (mailer: Mailer): Promise<string> => {
  const sending = await mailer.send(letter, never);
  return sending.kind === 'failed' ? `${sending.cause} ${sending.again}` : 'sent';
};

describe('a mail server on this machine', () => {
  let server: MailServer;
  before(async () => {
    server = await startMailServer();
  });
  after(() => server.close());
  const url = (): string => `smtp://127.0.0.1:${server.port}`;

  it('gets one mail for one address, in plain text, from the sender that is set', async () => {
    assert.equal(await causeOf(mailerTo(url())), 'sent');
    const mail = server.mails.at(-1);
    assert.deepEqual(
      [mail?.from, mail?.to, mail?.tls, mail?.auth],
      ['sallyport@nas.home', ['alice@example.org'], 'off', ''],
    );
    assert.equal(mail?.headers['from'], '"Sign-in" <sallyport@nas.home>');
    assert.equal(mail?.headers['to'], 'alice@example.org');
    assert.equal(mail?.headers['subject'], 'Hello');
    assert.equal(mail?.headers['auto-submitted'], 'auto-generated');
    assert.match(mail?.headers['content-type'] ?? '', /^text\/plain; charset=utf-8/);
    assert.equal(mail?.headers['x-mailer'], undefined);
    assert.equal(mail?.text.trim(), 'Good evening.');
  });

  it('is told user and password where they are set', async () => {
    assert.equal(await causeOf(mailerTo(url().replace('//', '//sally:p%40ss%3Aword@'))), 'sent');
    assert.equal(server.mails.at(-1)?.auth, 'sally:p@ss:word');
  });

  it('nothing that comes into a mail makes a header, another recipient or a command', async () => {
    const evil = 'x\r\nBcc: eve@evil.test\r\nRCPT TO:<eve@evil.test>\r\n.\r\nMAIL FROM:<eve@evil.test>';
    const user = { username: evil, displayName: evil, email: 'alice@example.org' } as unknown as UserRow;
    const notice = { kind: 'factor-added', detail: evil, address: '203.0.113.7', at: 0 } as unknown as NoticeRow;
    const letters = [
      noticeLetter(notice, user, consoleOrigin),
      linkLetter({
        user,
        purpose: 'invite',
        link: 'https://nas.home/x',
        expiresAt: 0 as Millis,
        consoleOrigin,
      }),
      { ...letter, subject: evil, text: `a\r\n.\r\n${evil}` },
      // What cannot get through the front door any more.
      { ...letter, to: 'alice@example.org>\r\nRCPT TO:<eve@evil.test' },
      { ...letter, to: 'alice@example.org, eve@evil.test' },
      { ...letter, to: 'eve@evil.test\r\nBcc: eve@evil.test' },
    ];
    for (const each of letters) {
      const [before, said] = [server.mails.length, server.said.length];
      await mailerTo(url()).send(each, never);
      const fresh = server.mails.slice(before);
      assert.ok(fresh.length <= 1, JSON.stringify(fresh));
      for (const mail of fresh) {
        assert.equal(mail.to.length, 1);
        assert.equal(mail.from, 'sallyport@nas.home');
        assert.equal(mail.headers['bcc'], undefined);
        assert.equal(mail.raw.split('\r\n\r\n', 1)[0]?.match(/^Bcc:|^RCPT/im), null);
      }
      const asked = server.said.slice(said).filter((line) => /^(RCPT|MAIL|DATA)/.test(line));
      assert.ok(asked.length <= 3, JSON.stringify(asked));
    }
  });

  it('addresses outside ASCII arrive', async () => {
    const sending = await mailerTo(url()).send({ ...letter, to: 'jörg@büro.example' }, never);
    assert.equal(sending.kind, 'sent');
    assert.deepEqual(server.mails.at(-1)?.to, ['jörg@büro.example']);
  });

  it('what it refuses is told in a word, without its own words; for good, or for now', async () => {
    server.instead.set('RCPT', '550 5.1.1 no such person alice@example.org');
    assert.equal(await causeOf(mailerTo(url())), 'eenvelope-550-rcpt hopeless');
    server.instead.set('RCPT', '450 4.2.1 later alice@example.org');
    assert.equal(await causeOf(mailerTo(url())), 'eenvelope-450-rcpt may-work');
    server.instead.delete('RCPT');
    server.instead.set('AUTH', '535 5.7.8 no, hunter2 it is not');
    const refused = await causeOf(mailerTo(url().replace('//', '//u:hunter2@')));
    assert.match(refused, /^eauth-535-auth hopeless$/);
    server.instead.delete('AUTH');
    assert.match(await causeOf(mailerTo(`smtp://127.0.0.1:${await freePort()}`)), /^e[a-z]+ may-work$/);
  });
});

describe('TLS to the mail server', () => {
  let folder: string;
  let authority: Authority;
  let other: Authority;
  const servers: MailServer[] = [];
  before(async () => {
    folder = await temporaryFolder();
    authority = await makeAuthority(folder, 'authority');
    other = await makeAuthority(folder, 'other');
  });
  after(async () => {
    await Promise.all(servers.map((each) => each.close()));
    await rm(folder, { recursive: true, force: true });
  });

  const start = async (from: 'start' | 'starttls', subject = 'IP:127.0.0.1,DNS:localhost'): Promise<MailServer> => {
    const files = authority.issue(`server-${servers.length}`, subject);
    const server = await startMailServer({
      tls: { cert: await readFile(files.cert, 'utf8'), key: await readFile(files.key, 'utf8'), from },
    });
    servers.push(server);
    return server;
  };

  it('STARTTLS and TLS from the start, with a server that proves its name or address', async () => {
    for (const host of ['127.0.0.1', 'localhost']) {
      const [starttls, implicit] = [await start('starttls'), await start('start')];
      const asked = mailerTo(`smtp://u:secret@${host}:${starttls.port}?starttls=required`, authority.ca);
      assert.equal(await causeOf(asked), 'sent');
      assert.equal(await causeOf(mailerTo(`smtps://u:secret@${host}:${implicit.port}`, authority.ca)), 'sent');
      for (const { mails } of [starttls, implicit])
        assert.deepEqual([mails[0]?.tls, mails[0]?.auth], ['on', 'u:secret']);
      assert.doesNotMatch(starttls.said.slice(0, starttls.said.indexOf('STARTTLS')).join('\n'), /AUTH|MAIL/);
    }
  });

  it('nothing is said to one that is somebody else, or is vouched for by nobody', async () => {
    const [named, fine] = [await start('starttls', 'DNS:other.example'), await start('starttls')];
    const cases = [
      [named, authority.ca],
      [fine, other.ca],
      [fine, null],
    ] as const;
    for (const [server, authorities] of cases) {
      const mailer = mailerTo(`smtp://u:secret@127.0.0.1:${server.port}?starttls=required`, authorities);
      assert.match(await causeOf(mailer), /may-work$/);
      assert.deepEqual(server.mails, []);
      assert.doesNotMatch(server.said.join('\n'), /AUTH|MAIL/);
    }
    const implicit = await start('start', 'DNS:other.example');
    assert.match(await causeOf(mailerTo(`smtps://u:secret@127.0.0.1:${implicit.port}`, authority.ca)), /may-work$/);
    assert.deepEqual(implicit.said, []);
  });

  it('nothing is said to one that does not offer it, or takes it back', async () => {
    const plain = await startMailServer();
    servers.push(plain);
    assert.match(await causeOf(mailerTo(`smtp://u:secret@127.0.0.1:${plain.port}?starttls=required`)), /^etls/);
    const stripped = await start('starttls');
    stripped.instead.set('STARTTLS', '454 not now');
    const mailer = mailerTo(`smtp://u:secret@127.0.0.1:${stripped.port}?starttls=required`, authority.ca);
    assert.match(await causeOf(mailer), /^etls/);
    for (const server of [plain, stripped]) assert.doesNotMatch(server.said.join('\n'), /AUTH|MAIL/);
  });
});

describe('the outbox', () => {
  let server: MailServer;
  let events: AuditEvent[];
  let lines: string[];
  before(async () => {
    server = await startMailServer();
  });
  after(() => server.close());

  const open = (
    mailer: Mailer | null = mailerTo(`smtp://127.0.0.1:${server.port}`),
    wait: (ms: number) => Promise<void> = () => Promise.resolve(),
  ): Outbox => {
    events = [];
    lines = [];
    const note = (fields: object, message: string): void => void lines.push(JSON.stringify({ ...fields, message }));
    return outbox({
      mailer,
      store: { appendAudit: (event) => Promise.resolve(void events.push(event)) },
      recorder: { event: (occurrence) => ({ ...occurrence, peer: '', at: 0, count: 1 }) as unknown as AuditEvent },
      log: { info: note, warn: note, error: note },
      random: { bytes: (length) => new Uint8Array(length) },
      wait,
    });
  };
  const told = (): readonly string[] => events.map(({ event, target, result }) => `${event} ${target} ${result}`);

  it('says when a mail was taken, and writes it down', async () => {
    const box = open();
    assert.equal(await box.send(letter, userId), 'mailed');
    await box.stop();
    assert.deepEqual(told(), ['mail-sent u_alice ok']);
  });

  it('tries again what may work, behind the answer, and writes the end down once', async () => {
    const box = open();
    server.instead.set('MAIL', '421 come back');
    const before = server.mails.length;
    assert.equal(await box.send(letter, userId), 'not-mailed');
    assert.deepEqual(told(), []);
    server.instead.delete('MAIL');
    await settled(() => server.mails.length > before && events.length > 0, 'no second try');
    await box.stop();
    assert.deepEqual(told(), ['mail-sent u_alice ok']);
  });

  it('gives up at once what will not work', async () => {
    const box = open();
    server.instead.set('RCPT', '550 alice@example.org is nobody');
    assert.equal(await box.send(letter, userId), 'not-mailed');
    await box.stop();
    server.instead.delete('RCPT');
    assert.deepEqual(told(), ['mail-failed u_alice eenvelope-550-rcpt']);
    assert.doesNotMatch(lines.join('\n'), /alice@example|nobody|Good evening/);
  });

  it('a stop ends what waits for another try, and what hangs', async () => {
    const box = open();
    server.instead.set('MAIL', '421 come back');
    assert.equal(await box.send(letter, userId), 'not-mailed');
    server.instead.set('MAIL', 'silent');
    void box.deliver(letter, userId);
    await pause(100);
    const began = performance.now();
    await box.stop();
    assert.ok(performance.now() - began < 4000);
    server.instead.delete('MAIL');
    assert.deepEqual(
      told().map((each) => each.split(' ', 1)[0]),
      ['mail-failed', 'mail-failed'],
    );
    assert.equal(await box.send(letter, userId), 'not-mailed');
  });

  it('whoever waits is told after a while, whatever the server does', async () => {
    const box = open({
      send: (_letter, cancel) =>
        new Promise((resolve) => cancel.addEventListener('abort', () => resolve({ kind: 'sent' }))),
    });
    const began = performance.now();
    assert.equal(await box.send(letter, userId), 'not-mailed');
    assert.ok(performance.now() - began < 7000);
    await box.stop();
  });

  it('what nobody waits for begins once the answer is out, after a pause', async () => {
    const waits: number[] = [];
    const over = Promise.withResolvers<void>();
    const box = open(undefined, (ms) => {
      waits.push(ms);
      return over.promise;
    });
    const begun: string[] = [];
    const work = (name: string) => () => Promise.resolve(void begun.push(name));
    box.later(work('one'));
    await pause(20);
    assert.deepEqual([waits, begun], [[100], []]);
    over.resolve();
    await settled(() => begun.length === 1, 'never begun');
    // However short the pause, what has the answer to write comes first.
    box.later(work('two'));
    for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
    assert.deepEqual(begun, ['one']);
    await settled(() => begun.length === 2, 'never begun');
    box.later(work('three'));
    await box.stop();
    assert.deepEqual(begun, ['one', 'two'], 'nothing begins in the end');
  });

  it('holds a bounded number of mails', async () => {
    let sent = 0;
    const box = open({
      send: (_letter, cancel) => {
        sent += 1;
        return new Promise((resolve) => cancel.addEventListener('abort', () => resolve({ kind: 'sent' })));
      },
    });
    for (let count = 0; count < 200; count += 1) box.later(() => box.deliver(letter, userId));
    await settled(() => sent > 10, 'none begun');
    await pause(10);
    assert.ok(sent <= 64, String(sent));
    await box.stop();
  });

  it('one mailbox that takes nothing keeps nobody else from a mail, and has few that wait', async () => {
    const tries = new Map<string, number>();
    const box = open({
      send: ({ to }) => {
        tries.set(to, (tries.get(to) ?? 0) + 1);
        return Promise.resolve(
          to.startsWith('full') ? { kind: 'failed', cause: 'later', again: 'may-work' } : { kind: 'sent' },
        );
      },
    });
    const began = performance.now();
    for (let count = 0; count < 20; count += 1) await box.deliver({ ...letter, to: 'full@example.org' }, userId);
    await box.deliver(letter, 'u_bob' as UserId);
    assert.ok(performance.now() - began < 900, 'nobody waits for another try');
    assert.deepEqual([tries.get('full@example.org'), tries.get(letter.to)], [20, 1]);
    assert.equal(told().filter((each) => each === 'mail-failed u_alice later').length, 17, 'three may wait');
    await settled(() => tries.get('full@example.org') === 23, 'no second try');
    await box.stop();
    assert.equal(told().filter((each) => each.startsWith('mail-failed')).length, 20);
    assert.deepEqual(
      told().filter((each) => each.startsWith('mail-sent')),
      ['mail-sent u_bob ok'],
    );
  });

  it('so many notices an hour go to one account; the others stay on its page, and nobody waits for them', async () => {
    const box = open();
    server.instead.set('RCPT', '450 not now');
    const before = server.said.length;
    let now = 0;
    const waiting = Array.from({ length: 14 }, (_, id) => ({
      user: { id: 'u_alice', username: 'x', displayName: 'X', email: 'alice@example.org' } as unknown as UserRow,
      notice: { id, kind: 'password-changed', at: 0, address: '203.0.113.7', detail: '' } as unknown as NoticeRow,
    }));
    const mails = mailNotices({
      store: {
        takeNoticeToMail: () => {
          const [next] = waiting.splice(0, 1);
          if (waiting.length === 1) now = 3_600_001;
          return Promise.resolve(next === undefined ? { kind: 'none' } : { kind: 'taken', ...next });
        },
      },
      outbox: box,
      clock: { now: () => 100_000_000 as Millis, monotonic: () => now },
      consoleOrigin: () => consoleOrigin,
      onFault: (fault) => assert.fail(String(fault)),
    });
    await settled(() => waiting.length === 0, 'one waits for another', 10_000);
    await mails.stop();
    await box.stop();
    server.instead.delete('RCPT');
    const asked = server.said.slice(before).filter((line) => line.startsWith('RCPT'));
    assert.ok(asked.length >= 12 && asked.length <= 15, 'ten, two an hour later, and three again at most');
  });

  it('without a mail server nothing is sent, and nobody waits', async () => {
    const box = open(null);
    assert.equal(box.standing, 'none');
    assert.equal(await box.send(letter, userId), 'not-mailed');
    await box.stop();
    assert.deepEqual(told(), []);
  });

  it('notices go out one after the other, to those who have an address', async () => {
    const box = open();
    const users = ['alice@example.org', '', 'carol@example.org'].map(
      (email, at) => ({ id: `u_${at}`, username: 'x', displayName: 'X', email }) as unknown as UserRow,
    );
    const waiting = users.map((user, id) => ({
      user,
      notice: { id, kind: 'password-changed', at: 0, address: '203.0.113.7', detail: '' } as unknown as NoticeRow,
    }));
    const asked: number[] = [];
    const before = server.mails.length;
    const mails = mailNotices({
      store: {
        takeNoticeToMail: (since) => {
          asked.push(since);
          const [next] = waiting.splice(0, 1);
          return Promise.resolve(next === undefined ? { kind: 'none' } : { kind: 'taken', ...next });
        },
      },
      outbox: box,
      clock: { now: () => 100_000_000 as Millis, monotonic: () => 0 },
      consoleOrigin: () => consoleOrigin,
      onFault: (fault) => assert.fail(String(fault)),
    });
    await settled(() => events.length === 2, 'not mailed', 10_000);
    await mails.stop();
    await box.stop();
    assert.equal(asked[0], 100_000_000 - 86_400_000);
    assert.deepEqual(
      server.mails.slice(before).map((mail) => mail.to),
      [['alice@example.org'], ['carol@example.org']],
    );
  });
});

describe('the words', () => {
  const user = { username: 'alice', displayName: 'Alice', email: 'alice@example.org' } as unknown as UserRow;

  it('every notice says what, when and from where, and where to look', () => {
    const kinds: readonly NoticeKind[] = [
      'factor-added',
      'factor-removed',
      'factors-reset',
      'recovery-codes-renewed',
      'recovery-code-used',
      'new-device',
      'code-never-came',
      'password-known',
      'password-changed',
      'password-reset',
      'passkey-copied',
    ];
    const at = Date.parse('2026-11-21T22:00:59Z') as Millis;
    for (const kind of kinds) {
      const notice: NoticeRow = {
        id: 1,
        userId,
        kind,
        at,
        address: '203.0.113.7' as NoticeRow['address'],
        detail: 'Phone',
      };
      const { subject, text, to } = noticeLetter(notice, user, consoleOrigin);
      assert.match(subject, /^[A-Z].+ \(nas\.home\)$/);
      assert.equal(to, 'alice@example.org');
      for (const part of [
        'Hello Alice,',
        '"alice"',
        'What: Phone',
        'When: 2026-11-21 22:00 UTC',
        'From: 203.0.113.7',
        `${consoleOrigin}/auth/account`,
      ])
        assert.ok(text.includes(part), `${kind}: ${part}`);
    }
    const bare = noticeLetter(
      { id: 1, userId, kind: 'factors-reset', at, address: '', detail: '' },
      user,
      consoleOrigin,
    );
    assert.doesNotMatch(bare.text, /What:/);
    assert.match(bare.text, /From: the server itself/);
  });

  it('a link stands on a line of its own, with its end', () => {
    for (const purpose of ['invite', 'reset', 'forgotten'] as const) {
      const link = 'https://nas.home/auth/link#link=abc';
      const expiresAt = Date.parse('2026-11-21T22:00:00Z') as Millis;
      const made = linkLetter({ user, purpose, link, expiresAt, consoleOrigin });
      assert.ok(made.text.split('\n').includes(link));
      assert.match(made.text, /once, until 2026-11-21 22:00 UTC/);
      assert.doesNotMatch(made.subject, /alice/i);
    }
  });
});
