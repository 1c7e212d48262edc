import '../look/known.css';
import type { ComponentChildren } from 'preact';

interface Props {
  readonly name: string;
  readonly children: ComponentChildren;
}

/** What is known of something: a line of a `dl` of class `known`. */
export function Known({ name, children }: Props) {
  return (
    <div>
      <dt class="quiet small">{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
