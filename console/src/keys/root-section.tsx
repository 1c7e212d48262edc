import type { Ring } from '../api/keys.ts';
import { Section } from '../inside/section.tsx';
import { Known } from '../parts/known.tsx';
import { ToCopy } from '../tokens/to-copy.tsx';
import { keyMessages } from '../words/key-messages.ts';

const words = keyMessages.rootKey;

/** Only whoever may read its file replaces it: there is no way to do that from here. */
export function RootSection({ rootKey }: Pick<Ring, 'rootKey'>) {
  return (
    <Section id="root" heading={words.heading} lead={words.lead}>
      <dl class="known">
        <Known name={words.here}>
          <span class={rootKey === 'fits' ? 'badge' : 'badge danger'}>
            {rootKey === 'fits' ? words.fits : words.unfit}
          </span>
        </Known>
      </dl>
      <p>{words.how}</p>
      <ToCopy name={words.command} text="sallyport key rotate root" />
      <p class="quiet">{words.keep}</p>
    </Section>
  );
}
