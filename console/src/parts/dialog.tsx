/** A native dialog over the page. What lies behind cannot be reached meanwhile; the focus goes back there afterwards. */
import type { ComponentChildren } from 'preact';
import { useId, useLayoutEffect, useRef } from 'preact/hooks';

interface Props {
  readonly heading: string;
  readonly lead: string;
  /** Escape, or the browser's own way back. */
  readonly onCancel: () => void;
  readonly children: ComponentChildren;
}

export function Dialog({ heading, lead, onCancel, children }: Props) {
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
  return (
    <dialog
      ref={dialog}
      class="dialog"
      aria-labelledby={`${id}-heading`}
      aria-describedby={`${id}-lead`}
      onCancel={cancel}
    >
      <header class="opening">
        <h2 id={`${id}-heading`}>{heading}</h2>
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
