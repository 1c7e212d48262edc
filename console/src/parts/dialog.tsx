/** A native dialog over the page. What lies behind cannot be reached meanwhile; the focus goes back there afterwards. */
import '../look/dialog.css';
import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';

interface Props {
  readonly heading: string;
  readonly lead: string;
  readonly broad?: boolean;
  /** Escape, or the browser's own way back. */
  readonly onCancel: () => void;
  readonly children: ComponentChildren;
}

export function Dialog({ heading, lead, broad = false, onCancel, children }: Props) {
  const id = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const opened = dialog.current;
    opened?.showModal();
    return () => opened?.close();
  }, []);
  const cancel = (event: Event): void => {
    event.preventDefault();
    onCancel();
  };
  // Browsers let a second Escape through, whatever was said to the first.
  const stay = (): void => {
    if (dialog.current?.isConnected === true && !dialog.current.open) dialog.current.showModal();
  };
  return (
    <dialog
      ref={dialog}
      class={broad ? 'dialog broad' : 'dialog'}
      aria-labelledby={`${id}-heading`}
      aria-describedby={`${id}-lead`}
      onCancel={cancel}
      onClose={stay}
    >
      <header class="opening">
        <h2 id={`${id}-heading`} tabIndex={-1} autofocus>
          {heading}
        </h2>
        <p id={`${id}-lead`} class="quiet">
          {lead}
        </p>
      </header>
      {children}
      {/* What lies behind is silent while this is open, the page's own region included. */}
      <div class="unseen" role="status" />
    </dialog>
  );
}
