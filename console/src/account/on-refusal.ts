import type { Refusal } from '../api/answers.ts';

/** What every part of the page does with a refusal first: a session that ended ends the page, all else is shown. */
export type OnRefusal = (refusal: Refusal) => void;
