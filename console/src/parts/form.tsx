/** A real form, so that password managers and the Enter key work; its fields are read when it is sent. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

export type Typed = (name: string) => string;

interface Props {
  readonly name: string;
  readonly sending: boolean;
  /** Changes with every answer: the first field with an error then takes the focus. */
  readonly answer: unknown;
  readonly onSend: (typed: Typed) => void;
  readonly onEdit?: (() => void) | undefined;
  /** Whether a field takes the focus when the form appears: the first empty one, else the first; the button where there is none. */
  readonly focus?: boolean;
  readonly children: ComponentChildren;
}

export function Form({ name, sending, answer, onSend, onEdit, focus = false, children }: Props) {
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (!focus) return;
    const inputs = [...(form.current?.querySelectorAll('input') ?? [])].filter((input) => !input.hidden);
    const first = inputs.find((input) => input.value === '') ?? inputs[0];
    first?.select();
    (first ?? form.current?.querySelector<HTMLElement>('[type="submit"]'))?.focus();
  }, [focus]);
  useEffect(() => {
    const wrong = form.current?.querySelector<HTMLInputElement>('[aria-invalid="true"]');
    wrong?.focus();
    wrong?.select();
  }, [answer]);
  const submit = (event: Event): void => {
    event.preventDefault();
    if (sending || form.current === null) return;
    const data = new FormData(form.current);
    onSend((field) => {
      const value = data.get(field);
      return typeof value === 'string' ? value : '';
    });
  };
  return (
    // `post` matters only when the script fails: then nothing typed ends up in an address.
    <form ref={form} name={name} class="form" method="post" noValidate onSubmit={submit} onInput={onEdit}>
      {children}
    </form>
  );
}
