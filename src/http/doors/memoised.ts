/** What is made of few keys and asked for on every request: which cookies are looked at where, for one. */

/** Made once for each key. */
export function memoised<K, V>(make: (key: K) => V): (key: K) => V {
  const made = new Map<K, V>();
  return (key) => {
    const known = made.get(key);
    if (known !== undefined) return known;
    const value = make(key);
    // Keys come from configuration and from hosts a proxy names; beyond a bound they are made afresh.
    if (made.size < 1024) made.set(key, value);
    return value;
  };
}
