/** The HTTP suite on PostgreSQL with Valkey. */
import { withoutPackages } from '../support/debian.ts';
import { suiteOfOneNode } from './suite.ts';

process.env['SALLYPORT_TEST_STORE'] = 'valkey';
if (withoutPackages === false) for (const suite of suiteOfOneNode) await import(suite);
else console.log(`skipped: ${withoutPackages}`);
