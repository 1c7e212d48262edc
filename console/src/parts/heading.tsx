import { useEffect, useRef } from 'preact/hooks';
import { messages } from '../words/messages.ts';

/** The page's heading. Names the tab too, and takes the focus, so that a new view is read from its beginning. */
export function Heading({ text, focus }: { readonly text: string; readonly focus: boolean }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = messages.title(text);
    if (focus) heading.current?.focus();
  }, [text, focus]);
  return (
    <h1 ref={heading} tabIndex={-1}>
      {text}
    </h1>
  );
}
