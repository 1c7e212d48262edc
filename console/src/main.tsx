/** The page for this address. Every page is its own document; between them the browser goes by plain links. */
import { render } from 'preact';
import { AccountPage } from './account/account-page.tsx';
import { NothingPage } from './nothing-page.tsx';
import { places } from './places.ts';
import { SetupPage } from './setup/setup-page.tsx';
import { SignInPage } from './sign-in/sign-in-page.tsx';
import { messages } from './words/messages.ts';

function Page() {
  switch (location.pathname.replace(/\/+$/, '')) {
    case places.setup:
      return <SetupPage />;
    case places.signIn:
      return <SignInPage />;
    case places.account:
      return <AccountPage />;
    default:
      return <NothingPage />;
  }
}

// Brought back by the Back button, a page may show what is no longer so: codes, devices, somebody signed in.
addEventListener('pageshow', (event) => {
  if (event.persisted) location.reload();
});

document.documentElement.lang = messages.language;
const root = document.querySelector('#page');
if (root !== null) render(<Page />, root);
