/** Every limit on guessing, in one table (3-rules, Guessing). */

export interface NetworkLimit {
  /** How much of an address makes the network. */
  readonly bits: { readonly v4: number; readonly v6: number };
  /** Failures let through per window. */
  readonly perMinute: number;
  readonly perDay: number;
}

/** Narrow to wide. */
export const networkLimits: readonly NetworkLimit[] = [
  { bits: { v4: 32, v6: 64 }, perMinute: 10, perDay: 50 },
  { bits: { v4: 26, v6: 48 }, perMinute: 30, perDay: 150 },
  { bits: { v4: 21, v6: 32 }, perMinute: 90, perDay: 450 },
];

/** Wrong secrets an hour from one known device, or within one session. */
export const holderFailuresPerHour = 10;

export const minuteMs = 60_000;
export const hourMs = 3_600_000;
export const dayMs = 86_400_000;

/** Networks remembered per address family; the oldest that is not blocked gives way. */
export const mostNetworks = 65_536;

/** Wrong re-authentications in a row that end a session (3-rules, Sessions). */
export const reauthenticationFailures = 5;
