/**
 * Filters with a name in them (RFC 4515 section 3). What is put in is escaped, so that nothing in it is anything but a value.
 * Pure. Stops: `*` for everybody, a bracket that ends the filter and begins another one (I-08).
 */

/** What has a meaning in a filter. All else, beyond ASCII too, stands for itself. */
const special = /[\0()*\\]/g;

export function escaped(value: string): string {
  return value.replaceAll(special, (sign) => `\\${sign.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** Places that have no value stay as they are. In one pass: a value that looks like a place is none. */
export function filled(template: string, values: Readonly<Record<string, string>>): string {
  return template.replaceAll(/\{([a-z]+)\}/g, (place, word: string) => {
    const value = values[word];
    return value === undefined ? place : escaped(value);
  });
}

/** The same for whatever name. */
export function forAnyName(template: string): string {
  return template.replaceAll('{name}', '*');
}
