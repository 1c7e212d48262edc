import { useId } from 'preact/hooks';
import type { Resealing } from '../api/keys.ts';
import { keyMessages } from '../words/key-messages.ts';

const words = keyMessages.resealing;

/** How far the values in the database are under the key in use. */
export function ResealingProgress({ resealing: { done, total } }: { readonly resealing: Resealing }) {
  const id = useId();
  return (
    <div class="resealing">
      <div class="beside">
        <label for={id}>{words.label}</label>
        <span>{words.count(done, total)}</span>
      </div>
      <progress id={id} value={done} max={total} aria-describedby={`${id}-help`}>
        {words.count(done, total)}
      </progress>
      <p id={`${id}-help`} class="quiet small">
        {words.help}
      </p>
    </div>
  );
}
