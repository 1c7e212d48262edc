/** Where in this page the address points, so that the Back button goes from one view to the other. */
import { useEffect, useState } from 'preact/hooks';

/** `moved`: somebody came here from another view of this page. */
export function useHash(): { readonly hash: string; readonly moved: boolean } {
  const [here, setHere] = useState({ hash: location.hash, moved: false });
  useEffect(() => {
    const look = (): void => {
      setHere({ hash: location.hash, moved: true });
      scrollTo(0, 0);
    };
    addEventListener('hashchange', look);
    return () => removeEventListener('hashchange', look);
  }, []);
  return here;
}
