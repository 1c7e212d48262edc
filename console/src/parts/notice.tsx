import type { ComponentChildren } from 'preact';

type Tone = 'info' | 'good' | 'warn' | 'danger';

interface Props {
  readonly tone: Tone;
  /** Said at once to screen readers, as what is dangerous always is. */
  readonly spoken?: boolean;
  readonly children: ComponentChildren;
}

/** Drawn, not coloured: the tone can be told by its shape alone. */
const shapes: Readonly<Record<Tone, string>> = {
  info: 'M10 2.5a7.5 7.5 0 1 1 0 15a7.5 7.5 0 0 1 0-15M10 9.2v4.3M10 6.3v.2',
  good: 'M10 2.5a7.5 7.5 0 1 1 0 15a7.5 7.5 0 0 1 0-15M6.8 10.2l2.3 2.3l4.2-4.7',
  warn: 'M10 3l7.5 13.5h-15zM10 8.3v3.6M10 14v.2',
  danger: 'M6.9 2.5h6.2l4.4 4.4v6.2l-4.4 4.4H6.9l-4.4-4.4V6.9zM10 6.5v4.2M10 13.4v.2',
};

export function Notice({ tone, spoken = tone === 'danger', children }: Props) {
  return (
    <div class={`notice ${tone}`} role={spoken ? 'alert' : undefined}>
      <svg viewBox="0 0 20 20" fill="none" stroke="currentColor" stroke-width="1.6" stroke-linecap="round" aria-hidden>
        <path d={shapes[tone]} stroke-linejoin="round" />
      </svg>
      <div class="said">{children}</div>
    </div>
  );
}
