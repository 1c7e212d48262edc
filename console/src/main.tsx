/**
 * The page for this address. Every page is its own document; between them the browser goes by plain links. Signing in
 * comes with the first script; what the other pages are made of is fetched when one of them is wanted.
 */
import { type ComponentType, render } from 'preact';
import { NothingPage } from './nothing-page.tsx';
import { firstAnswer } from './parts/loaded-status.ts';
import { places } from './places.ts';
import { SignInPage } from './sign-in/sign-in-page.tsx';
import { UnloadedPage } from './unloaded-page.tsx';
import { messages } from './words/messages.ts';

async function pageHere(): Promise<ComponentType> {
  switch (location.pathname.replace(/\/+$/, '')) {
    case places.signIn:
      return SignInPage;
    case places.setup:
      return (await import('./setup/setup-page.tsx')).SetupPage;
    case places.account:
      return (await import('./account/account-page.tsx')).AccountPage;
    case places.forgot:
      return (await import('./links/forgot-page.tsx')).ForgotPage;
    case places.link:
      return (await import('./links/link-page.tsx')).LinkPage;
    case places.people:
      return (await import('./people/people-page.tsx')).PeoplePage;
    case places.tokens:
      return (await import('./tokens/tokens-page.tsx')).TokensPage;
    case places.certificates:
      return (await import('./certificates/certificates-page.tsx')).CertificatesPage;
    case places.keys:
      return (await import('./keys/keys-page.tsx')).KeysPage;
    default:
      return NothingPage;
  }
}

// Brought back by the Back button, a page may show what is no longer so: codes, devices, somebody signed in.
addEventListener('pageshow', (event) => {
  if (event.persisted) location.reload();
});

document.documentElement.lang = messages.language;
void open();

async function open(): Promise<void> {
  const page = pageHere().catch(() => UnloadedPage);
  await firstAnswer;
  const Page = await page;
  const root = document.querySelector('#page');
  if (root !== null) render(<Page />, root);
}
