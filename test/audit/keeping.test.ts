/** What is kept 400 days and then cut is still proof: the rest verifies, and what was signed before the cut agrees. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { allLines } from '../../src/record/audit-log.ts';
import { parseCheckpoint } from '../../src/record/checkpoint.ts';
import { type AuditCheck, auditCheck, type Broken, type Whole } from '../../src/record/verify-audit.ts';
import type { AuditCheckpoint } from '../../src/store/rows.ts';
import { send } from '../support/client.ts';
import { embed, type Embedded } from '../support/library.ts';
import { admin, signInBearer } from '../support/people.ts';

const day = 86_400_000;

async function verified(house: Embedded, given: readonly AuditCheckpoint[] = []): Promise<Broken | Whole> {
  let check: AuditCheck | undefined;
  for await (const line of allLines(house.sallyport.audit)) {
    if (line.kind === 'head') check = auditCheck(line, given, house.now());
    else {
      const taken = check?.take(line);
      if (taken?.kind === 'broken') return taken;
    }
  }
  return check?.end() ?? assert.fail('no head');
}

/** The checkpoints of the log, as a journal has them. */
const journalOf = (house: Embedded): readonly AuditCheckpoint[] =>
  house.lines.flatMap((line) => {
    const form = parseCheckpoint((JSON.parse(line) as { checkpoint?: string }).checkpoint ?? '');
    return form.kind === 'checkpoint' ? [form.checkpoint] : [];
  });

async function sweep(house: Embedded): Promise<void> {
  while ((await house.engine.sweep(house.now())).kind === 'more');
}

describe('400 days', () => {
  it('cut at a checkpoint, the rest verifies; a day before nothing is cut', async () => {
    const house = await embed();
    try {
      const setUp = await send(`${house.console}/api/auth/setup`, { body: { ...admin, setup_code: house.setupCode } });
      assert.equal(setUp.status, 201, setUp.text);
      await house.sallyport.signAudit();
      const old = await house.engine.auditHead();
      house.pass(30 * day);
      await signInBearer({ console: house.console });
      await house.sallyport.signAudit();
      house.pass(369 * day);
      await sweep(house);
      const before = await verified(house, journalOf(house));
      assert.ok(before.kind === 'whole' && before.first === 1, JSON.stringify(before));
      house.pass(2 * day);
      await sweep(house);
      const after = await verified(house);
      assert.ok(after.kind === 'whole', JSON.stringify(after));
      assert.equal(after.first, old.number + 1);
      // What the journal says of lines that are gone by now cannot be compared, and is not held against the log.
      const compared = await verified(house, journalOf(house));
      assert.ok(compared.kind === 'whole', JSON.stringify(compared));
      assert.ok(compared.compared >= 1 && compared.compared <= journalOf(house).length);
      const exported = await house.sallyport.audit.newest(
        { event: null, user: null, since: null, until: null },
        null,
        9,
      );
      assert.equal(exported.events.at(-1)?.number, old.number + 1);
      assert.equal(exported.next, null);
    } finally {
      await house.close();
    }
  });

  it('lines cut before their time, by a clock that was turned, are named as removed', async () => {
    const house = await embed();
    try {
      await house.sallyport.signAudit();
      await house.engine.appendAudit({
        at: house.now(),
        event: 'setup-code-made',
        actor: '',
        address: '',
        peer: '',
        way: 'host',
        target: '',
        result: 'ok',
        count: 1,
      });
      await house.sallyport.signAudit();
      // Somebody turns the clock and has the log cut; by the right clock it is too early.
      house.pass(402 * day);
      await sweep(house);
      house.pass(-402 * day);
      const alone = await verified(house);
      assert.ok(alone.kind === 'broken' && /removed before their time/.test(alone.why), JSON.stringify(alone));
    } finally {
      await house.close();
    }
  });
});
