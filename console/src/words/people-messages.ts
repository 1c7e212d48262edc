import { people } from './english/people.ts';
import { inLanguage } from './in-language.ts';

export const peopleMessages = inLanguage([{ language: 'en', words: people }]);
