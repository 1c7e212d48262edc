/** What is done to several at once. */
import { plural } from './plural.ts';

export const many = {
  many: {
    begin: 'Select several',
    stop: 'Stop selecting',
    bar: 'Selected',
    pick: 'Select',
    picked: (count: number) => plural(count, '1 selected', `${count} selected`),
    all: (count: number) => plural(count, 'Select the 1 listed', `Select all ${count} listed`),
    none: 'Select none',
    first: 'Select something in the list first.',
    more: (count: number) => plural(count, '… and 1 more', `… and ${count} more`),
    sending: 'One moment…',
    cancel: 'Cancel',
    close: 'Close',
    refused: (count: number) => plural(count, 'It was not done for 1 of them', `It was not done for ${count} of them`),
    rest: (count: number) => plural(count, 'For 1 it was.', `For ${count} it was.`),
    results: 'Results',
    row: 'Row',
    name: 'Name',
    result: 'Result',
    done: 'Done',
    codes: {
      not_found: 'Not there any more.',
      not_tried: 'Not tried: the server could not be reached, or refused. Try those again.',
      conflict: 'Changed meanwhile. Load the page again, then try once more.',
    },
  },
};
