import type { ComponentChildren } from 'preact';

interface Props {
  readonly id: string;
  readonly heading: string;
  readonly lead: string;
  readonly children?: ComponentChildren;
}

/** A part of a page inside. Its heading can take the focus, when what had it has gone. */
export function Section({ id, heading, lead, children }: Props) {
  return (
    <section class="section" id={id} aria-labelledby={`${id}-heading`}>
      <header>
        <h2 id={`${id}-heading`} tabIndex={-1}>
          {heading}
        </h2>
        <p class="quiet">{lead}</p>
      </header>
      {children}
    </section>
  );
}

/** A moment later: a dialog that shuts now gives the focus back to where it came from first. */
export function focusHeading(id: string): void {
  requestAnimationFrame(() => document.getElementById(`${id}-heading`)?.focus());
}
