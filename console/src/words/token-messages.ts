import { tokens } from './english/tokens.ts';
import { inLanguage } from './in-language.ts';

export const tokenMessages = inLanguage([{ language: 'en', words: tokens }]);
