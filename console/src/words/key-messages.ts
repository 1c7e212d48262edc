import { keys } from './english/keys.ts';
import { inLanguage } from './in-language.ts';

export const keyMessages = inLanguage([{ language: 'en', words: keys }]);
