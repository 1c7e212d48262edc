import { secrets } from './english/secrets.ts';
import { inLanguage } from './in-language.ts';

export const secretMessages = inLanguage([{ language: 'en', words: secrets }]);
