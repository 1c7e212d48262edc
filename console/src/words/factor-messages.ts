import { factors } from './english/factors.ts';
import { inLanguage } from './in-language.ts';

export const factorMessages = inLanguage([{ language: 'en', words: factors }]);
