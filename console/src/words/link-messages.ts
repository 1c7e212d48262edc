import { links } from './english/links.ts';
import { inLanguage } from './in-language.ts';

export const linkMessages = inLanguage([{ language: 'en', words: links }]);
