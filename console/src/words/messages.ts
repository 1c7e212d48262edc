/** The words that every page needs. Those of single pages come with their page. */
import { gate } from './english/gate.ts';
import { inLanguage } from './in-language.ts';

export const messages = inLanguage([{ language: 'en', words: gate }]);
