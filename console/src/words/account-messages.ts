import { account } from './english/account.ts';
import { inLanguage } from './in-language.ts';

export const accountMessages = inLanguage([{ language: 'en', words: account }]);
