/** Which form of an answer is asked for, where there are several. Pure. */

/** The first of those forms that the header names; JSON for anything else. Forms by their media types in lower case. */
export function askedForm<Form extends string>(
  accept: string | undefined,
  forms: Readonly<Record<string, Form>>,
): Form | 'json' {
  for (const each of (accept ?? '').split(',')) {
    const type = (each.split(';', 1)[0] ?? '').trim().toLowerCase();
    if (type === 'application/json') return 'json';
    const form = Object.hasOwn(forms, type) ? forms[type] : undefined;
    if (form !== undefined) return form;
  }
  return 'json';
}

/** What a CSV file is sent as. */
export const csvType = 'text/csv; charset=utf-8; header=present';
