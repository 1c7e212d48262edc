/** The HTTP suite on a PostgreSQL database alone. */
import { withoutPackages } from '../support/debian.ts';
import { suiteOfOneNode } from './suite.ts';

process.env['SALLYPORT_TEST_STORE'] = 'postgres';
if (withoutPackages === false) for (const suite of suiteOfOneNode) await import(suite);
else console.log(`skipped: ${withoutPackages}`);
