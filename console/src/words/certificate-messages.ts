import { certificates } from './english/certificates.ts';
import { inLanguage } from './in-language.ts';

export const certificateMessages = inLanguage([{ language: 'en', words: certificates }]);
