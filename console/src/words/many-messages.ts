import { many } from './english/many.ts';
import { inLanguage } from './in-language.ts';

export const manyMessages = inLanguage([{ language: 'en', words: many }]);
