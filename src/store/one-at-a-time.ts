/** Work that must not overlap itself. Whoever asks while it is under way waits for a run that begins afterwards, with all others who asked meanwhile. */
export function oneAtATime(run: () => Promise<void>): () => Promise<void> {
  let underWay: Promise<void> | null = null;
  let next: Promise<void> | null = null;
  const begin = (): Promise<void> => {
    next = null;
    underWay = run().finally(() => {
      underWay = null;
    });
    return underWay;
  };
  // A run that fails fails for those who asked for it, and not for those behind.
  return () => (underWay === null ? begin() : (next ??= underWay.catch(() => undefined).then(begin)));
}
