/** When the mail client is loaded: with the server, so that the first mail takes no longer than another. */
import assert from 'node:assert/strict';
import { registerHooks } from 'node:module';
import { it } from 'node:test';
import { mailSender, smtpUrl } from '../../src/config/mail-place.ts';
import { smtpMailer } from '../../src/mail/mailer.ts';
import { settled } from '../support/waiting.ts';

it('the client is there before the first mail', async () => {
  const asked = new Set<string>();
  registerHooks({
    resolve: (specifier, context, next) => {
      asked.add(specifier);
      return next(specifier, context);
    },
  });
  const [place, from] = [smtpUrl.parse('smtp://127.0.0.1:25'), mailSender.parse('sallyport@nas.home')];
  assert.ok(place.kind === 'value' && from.kind === 'value');
  smtpMailer({ place: place.value, from: from.value, tls: null });
  await settled(() => asked.has('nodemailer'), 'loaded for the first mail only');
});
