import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

interface Props {
  readonly id: string;
  readonly heading: string;
  readonly lead: string;
  readonly children: ComponentChildren;
}

/** A part of the account page. Its heading can take the focus, when what had it has gone. */
export function Section({ id, heading, lead, children }: Props) {
  const section = useRef<HTMLElement>(null);
  // The browser looked for the fragment before this part existed.
  useEffect(() => {
    if (location.hash === `#${id}`) section.current?.scrollIntoView();
  }, [id]);
  return (
    <section class="section" id={id} ref={section} aria-labelledby={`${id}-heading`}>
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

export function focusHeading(id: string): void {
  document.getElementById(`${id}-heading`)?.focus();
}
