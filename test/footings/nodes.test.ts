/** The HTTP suite on two nodes over PostgreSQL and Valkey, a balancer in front. */
import { withoutPackages } from '../support/debian.ts';
import { httpSuite } from './suite.ts';

process.env['SALLYPORT_TEST_STORE'] = 'nodes';
if (withoutPackages === false) for (const suite of httpSuite) await import(suite);
else console.log(`skipped: ${withoutPackages}`);
