/** A device that keeps passkeys, inside Chromium: what a fingerprint reader or a security key is to the browser. */
import type { Page } from 'playwright-core';

export interface PasskeyDevice {
  /** Whether the finger is the right one. */
  readonly setVerified: (verified: boolean) => Promise<void>;
  /** Whether somebody touches it when they are asked to. Until then the browser waits. */
  readonly setTouched: (touched: boolean) => Promise<void>;
  /** How many passkeys it holds. */
  readonly held: () => Promise<number>;
  readonly remove: () => Promise<void>;
}

/** `built-in`: finds its passkeys by itself. `key`: has to be told which, as small security keys have. */
export async function addPasskeyDevice(page: Page, kind: 'built-in' | 'key'): Promise<PasskeyDevice> {
  const devTools = await page.context().newCDPSession(page);
  await devTools.send('WebAuthn.enable', { enableUI: false });
  const { authenticatorId } = await devTools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: kind === 'built-in' ? 'internal' : 'usb',
      hasResidentKey: kind === 'built-in',
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return {
    setVerified: async (isUserVerified) => {
      await devTools.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified });
    },
    setTouched: async (enabled) => {
      await devTools.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled });
    },
    held: async () => (await devTools.send('WebAuthn.getCredentials', { authenticatorId })).credentials.length,
    remove: async () => {
      await devTools.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId });
    },
  };
}
