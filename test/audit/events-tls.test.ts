/** O-05, of certificates: each change is exactly one record, written before it is told. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { auditEvents } from '../../src/record/recorder.ts';
import { type Store, StoreFault } from '../../src/store/store.ts';
import type { Millis } from '../../src/types.ts';
import { type Got, send } from '../support/client.ts';
import {
  type FakeCertificates,
  fakeCertificates,
  fingerprintOf,
  goodPair,
  proxmoxPair,
} from '../support/fake-certificates.ts';
import { bearer } from '../support/invited.ts';
import { embed, type Embedded } from '../support/library.ts';
import { admin } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';

type Event = Readonly<Record<string, string | number>>;

const seen = new Set<string>();

describe('O-05: certificates', () => {
  let house: Embedded;
  let certificates: FakeCertificates;
  let token: string;
  let writes: 'possible' | 'impossible' = 'possible';
  before(async () => {
    certificates = fakeCertificates((Date.now() + 90 * 86_400_000) as Millis);
    const around = (store: Store): Store => ({
      ...store,
      appendAudit: (...given) =>
        writes === 'possible' ? store.appendAudit(...given) : Promise.reject(new StoreFault('the disk is full')),
    });
    house = await embed({ certificates, around });
    const got = await send(`${house.console}/api/auth/setup`, { body: { setup_code: house.setupCode, ...admin } });
    token = String(got.json['token']);
  });
  after(() => house.close());

  const ask = (path: string, body: object = {}): Promise<Got> =>
    send(`${house.console}/api/ssl/${path}`, { headers: bearer(token), body });
  const events = async (): Promise<readonly Event[]> => {
    const got = await send(`${house.console}/api/auth/audit?limit=1000`, { headers: bearer(token) });
    const all = (got.json['events'] as Event[]).toReversed();
    return all.filter((event) => String(event['event']).startsWith('certificate-'));
  };
  /** Runs it, and holds what is new against what is expected. */
  const happens = async (run: () => Promise<unknown>, ...expected: readonly Event[]): Promise<void> => {
    const already = (await events()).length;
    await run();
    const fresh = (await events()).slice(already);
    assert.deepEqual(
      fresh.map((event, at) =>
        Object.fromEntries(Object.keys(expected[at] ?? event).map((name) => [name, event[name]])),
      ),
      expected,
    );
    for (const event of fresh) seen.add(String(event['event']));
  };
  const root = { actor_name: 'root1', address: '127.0.0.1', way: 'session', result: 'ok', count: 1 };
  const host = { actor: '', actor_name: '', address: '', way: 'host', result: 'ok', count: 1 };
  const custom = { source: 'custom', cert_path: goodPair.certPath, key_path: goodPair.keyPath };

  it('chosen and dropped, by an admin and from the host; what was refused was not done', async () => {
    const of = { target: fingerprintOf(goodPair) };
    await happens(() => ask('configure', custom), { event: 'certificate-chosen', ...root, ...of });
    await happens(() => ask('disable'), { event: 'certificate-dropped', ...root, ...of });
    await happens(() => ask('disable'), { event: 'certificate-dropped', ...root, target: '' });
    await happens(() => ask('configure', { source: 'letsencrypt' }));
    await happens(() => ask('configure', { ...custom, key_path: '/etc/ssl/wiki/other.pem' }));
    await happens(() => ask('validate', { cert_path: goodPair.certPath, key_path: goodPair.keyPath }));
    const { tls } = house.sallyport;
    const proxmox = { target: fingerprintOf(proxmoxPair) };
    await happens(() => tls({ action: 'use', choice: { source: 'proxmox' } }), {
      event: 'certificate-chosen',
      ...host,
      ...proxmox,
    });
    await happens(() => tls({ action: 'status' }));
    await happens(() => tls({ action: 'self-signed' }), { event: 'certificate-dropped', ...host, ...proxmox });
  });

  it('made, replaced and refused by the server itself: in that order, also when they could not be written at once', async () => {
    const server = { actor: '', actor_name: '', address: '', way: 'none', count: 1 };
    const written = async (): Promise<void> => {
      for (let tries = 0; certificates.untold.length > 0 && tries < 200; tries += 1)
        await new Promise((resolve) => setTimeout(resolve, 50));
      assert.deepEqual(certificates.untold, []);
    };
    writes = 'impossible';
    const happened = [
      { event: 'certificate-made', fingerprint: 'AA', result: '' },
      { event: 'certificate-replaced', fingerprint: 'BB', result: '' },
      { event: 'certificate-refused', fingerprint: 'BB', result: 'expired' },
    ] as const;
    certificates.untold.push(...happened);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    assert.equal(certificates.untold.length, 3);
    writes = 'possible';
    await happens(
      written,
      { event: 'certificate-made', ...server, target: 'AA', result: 'ok' },
      { event: 'certificate-replaced', ...server, target: 'BB', result: 'ok' },
      { event: 'certificate-refused', ...server, target: 'BB', result: 'expired' },
    );
  });

  it('what cannot be written is not told as done', async () => {
    writes = 'impossible';
    assertProblem(await ask('configure', custom), 503, 'unavailable');
    writes = 'possible';
    assert.ok(!JSON.stringify((await events()).slice(-1)).includes('certificate-chosen'));
  });
});

it('O-05: every event of certificates was driven', () => {
  assert.deepEqual(
    Object.keys(auditEvents).filter((name) => name.startsWith('certificate-') && !seen.has(name)),
    [],
  );
});
