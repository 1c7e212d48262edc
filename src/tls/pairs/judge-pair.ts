/** Everything there is to find out about a pair before it is served: loaded, then proven (2-http-api, 7). */
import { namesCover } from '../../crypto/certificates/names.ts';
import type { CertificatePair, PairWarning } from '../../crypto/certificates/pair.ts';
import type { Judged } from '../contract.ts';
import { loadPair, type PairRequest } from './load-pair.ts';
import { provePair } from './prove-pair.ts';

/** `hosts`: what people call this server; each that the certificate is not good for is told. */
export async function judgePair(request: PairRequest, hosts: readonly string[] = []): Promise<Judged> {
  const loaded = await loadPair(request);
  if (loaded.kind === 'unusable') return loaded;
  const { pair } = loaded;
  const proof = await provePair(pair);
  if (proof.kind === 'failed') return { kind: 'unusable', problems: proof.problems };
  const { chain } = proof;
  // Who is trusted by what is sent lacks nobody in between.
  const own = loaded.warnings.filter(({ code }) => chain === 'untrusted' || code !== 'chain-incomplete');
  const warnings = [...(chain === 'untrusted' ? [untrusted] : []), ...own, ...namesMissing(pair, hosts)];
  return { kind: 'proven', files: request.files, pair, chain, warnings };
}

const untrusted: PairWarning = {
  code: 'untrusted',
  text: 'This machine does not trust the certificate: browsers may warn of it.',
};

function namesMissing(pair: CertificatePair, hosts: readonly string[]): readonly PairWarning[] {
  return hosts
    .filter((host) => namesCover(pair, host).kind === 'not-covered')
    .map((host) => ({ code: 'names', text: `The certificate is not good for ${host}.` }));
}
