/** What can be done to all that is picked: it stays at the lower edge of the window while the list is long. */
import '../look/many.css';
import { announce } from '../parts/announce.ts';
import { Button } from '../parts/button.tsx';
import { manyMessages } from '../words/many-messages.ts';
import type { Selection } from './selection.ts';

const words = manyMessages.many;

export interface Deed<Action extends string> {
  readonly action: Action;
  readonly name: string;
  readonly look: 'secondary' | 'danger';
}

interface Props<Action extends string> {
  readonly selection: Selection;
  /** All that can be picked. */
  readonly all: readonly string[];
  readonly deeds: readonly Deed<Action>[];
  readonly onPress: (action: Action) => void;
}

export function PickBar<Action extends string>({ selection, all, deeds, onPress }: Props<Action>) {
  const count = all.filter((id) => selection.ids.has(id)).length;
  const whole = count > 0 && count === all.length;
  const pickAll = (): void => {
    selection.pick(whole ? [] : all);
    announce(words.picked(whole ? 0 : all.length));
  };
  return (
    <div class="pick-bar" role="group" aria-label={words.bar}>
      <div class="beside">
        <p>{words.picked(count)}</p>
        <Button look="plain" onPress={pickAll}>
          {whole ? words.none : words.all(all.length)}
        </Button>
      </div>
      <div class="actions">
        {deeds.map(({ action, name, look }) => (
          <Button key={action} look={look} onPress={() => (count === 0 ? announce(words.first) : onPress(action))}>
            {name}
          </Button>
        ))}
      </div>
    </div>
  );
}

/** Begins and ends picking. */
export function PickButton({ selection }: { readonly selection: Selection }) {
  const picking = selection.mode === 'picking';
  return (
    <Button look="plain" onPress={picking ? selection.end : selection.begin}>
      {picking ? words.stop : words.begin}
    </Button>
  );
}
