/**
 * News between nodes: "something has changed, read". A message carries nothing and nobody relies on it: lost, doubled or
 * late ones cost time, which is bounded (3-rules, The hot path).
 */
export interface Bus {
  /** To all nodes, this one included; does not wait, and does not fail. */
  tell(): void;
  onNews(listener: () => void): void;
}

/** Where the database passes on news by itself, or one process is alone with it. */
export const noBus: Bus = { tell: () => undefined, onNews: () => undefined };
