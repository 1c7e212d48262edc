/** The frame of the pages at the gate: the sign, a heading, a line under it, and what there is to do. */
import type { ComponentChildren } from 'preact';
import { Heading } from './heading.tsx';

interface Props {
  readonly heading: string;
  readonly lead?: string | undefined;
  readonly broad?: boolean;
  /** Whether the heading takes the focus when this view appears. */
  readonly focus?: boolean;
  readonly children?: ComponentChildren;
}

export function Gate({ heading, lead, broad = false, focus = true, children }: Props) {
  return (
    <main class={broad ? 'gate broad' : 'gate'}>
      <header class="opening">
        <span class="sign" aria-hidden />
        <Heading key={heading} text={heading} focus={focus} />
        {lead !== undefined && <p class="lead">{lead}</p>}
      </header>
      {children}
    </main>
  );
}
