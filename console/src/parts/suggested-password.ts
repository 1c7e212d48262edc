/**
 * A password that can be said and typed: five made-up words of four letters, drawn evenly and independently. Each is one
 * of 6400, so that together they hold 63 bits, far more than a guessing limit lets anybody try.
 */
const consonants = 'bdfghjklmnprstvz';
const vowels = 'aeiou';
const wordCount = 5;

export function suggestedPassword(): string {
  return Array.from({ length: wordCount }, word).join('-');
}

function word(): string {
  return draw(consonants) + draw(vowels) + draw(consonants) + draw(vowels);
}

function draw(letters: string): string {
  // Numbers beyond the last whole round would favour the first letters; they are drawn again.
  const fair = 256 - (256 % letters.length);
  const byte = new Uint8Array(1);
  do crypto.getRandomValues(byte);
  while ((byte[0] ?? 0) >= fair);
  return letters.charAt((byte[0] ?? 0) % letters.length);
}
