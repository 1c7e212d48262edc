/** Several rows of a list, picked to do something to all of them. */
import { useState } from 'preact/hooks';

export interface Selection {
  /** Whether rows can be picked at the moment. */
  readonly mode: 'off' | 'picking';
  readonly ids: ReadonlySet<string>;
  readonly begin: () => void;
  readonly end: () => void;
  readonly toggle: (id: string) => void;
  readonly pick: (ids: readonly string[]) => void;
}

export function useSelection(): Selection {
  const [mode, setMode] = useState<Selection['mode']>('off');
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set());
  return {
    mode,
    ids,
    begin: () => setMode('picking'),
    end: () => {
      setMode('off');
      setIds(new Set());
    },
    toggle: (id) =>
      setIds((before) => new Set(before.has(id) ? [...before].filter((each) => each !== id) : [...before, id])),
    pick: (all) => setIds(new Set(all)),
  };
}
