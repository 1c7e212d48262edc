/** What 5-performance sets, and whether a measured ratio reaches it. */
export interface Goal {
  readonly what: string;
  readonly value: number;
  readonly least?: number;
  readonly most?: number;
}

function reached(goal: Goal): boolean {
  return goal.value >= (goal.least ?? -Infinity) && goal.value <= (goal.most ?? Infinity);
}

export function goalText(goals: readonly Goal[]): string {
  return goals
    .map((goal) => (goal.least === undefined ? `≤ ${goal.most}` : `≥ ${goal.least}`) + ` ${goal.what}`)
    .join(', ');
}

export function verdict(goals: readonly Goal[]): string {
  const missed = goals.filter((goal) => !reached(goal)).map((goal) => goal.what);
  return missed.length === 0 ? 'reached' : `MISSED: ${missed.join(', ')}`;
}
