import { setup } from './english/setup.ts';
import { inLanguage } from './in-language.ts';

export const setupMessages = inLanguage([{ language: 'en', words: setup }]);
