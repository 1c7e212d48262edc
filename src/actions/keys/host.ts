/** Keys of the installation by the word of whoever runs commands on the host: never their bytes (2-http-api, 9). */
import { byHost, done, type Outcome } from '../call.ts';
import { replaceRootKey, type RootKeyParts } from './root.ts';
import { type KeyParts, rotate, type Rotation } from './rotate.ts';
import { ringFields } from './shown.ts';

export type KeyCommand =
  | { readonly action: 'list' }
  | { readonly action: 'rotate'; readonly purpose: Rotation['purpose'] | 'root'; readonly when: Rotation['when'] };

export type HostKeyParts = KeyParts & RootKeyParts;
export type HostKeys = (command: KeyCommand) => Promise<Outcome>;

export function hostKeys(parts: HostKeyParts): HostKeys {
  return async (command) => {
    if (command.action === 'list') return done(await ringFields(parts));
    const { purpose, when } = command;
    return purpose === 'root' ? replaceRootKey(parts) : rotate(parts, { purpose, when }, byHost);
  };
}
