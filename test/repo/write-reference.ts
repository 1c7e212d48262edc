/** Writes `docs/reference/`: `node test/repo/write-reference.ts`. */
import { writeFileSync } from 'node:fs';
import { embed } from '../support/library.ts';
import { referencePages } from './reference.ts';
import { inRepository } from './repository.ts';

const embedded = await embed();
for (const { path, text } of referencePages(embedded.sallyport.routes)) writeFileSync(inRepository(path), text);
await embedded.close();
