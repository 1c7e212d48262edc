/** The pages by themselves: for the keyboard, for screen readers, for password managers, for small windows, and closed to scripts. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import type { Page } from 'playwright-core';
import { type Chromium, startChromium, type Visitor, type VisitorOptions } from '../support/chromium.ts';
import { send } from '../support/client.ts';
import { withoutPackages } from '../support/debian.ts';
import { admin, setUp, signIn, wrongPassword } from '../support/people.ts';
import { type RunningServer, startServer, type StartOptions } from '../support/server.ts';
import { focused, keptInBrowser, sidewaysScroll } from './audit.ts';
import { assertSound } from './axe.ts';
import {
  accountPage,
  button,
  eventually,
  field,
  fillSignIn,
  focusOn,
  heading,
  setupLink,
  signInOnConsole,
} from './steps.ts';

const newPassword = 'quiet harbour 77 under copper rain';
const telephone =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1';

/** Hashing at its cheapest: these tests are about pages. */
const start = (options: StartOptions = {}): Promise<RunningServer> =>
  startServer({ ...options, args: ['--password-memory', '19MiB', ...(options.args ?? [])] });

describe('the pages', { skip: withoutPackages }, () => {
  let chromium: Chromium;
  before(async () => {
    chromium = await startChromium();
  });
  const servers: RunningServer[] = [];
  after(async () => {
    // First the browser: the servers let its connections finish.
    await chromium.close();
    await Promise.all(servers.map((server) => server.remove()));
  });

  /** A server of its own for each test: guesses, sessions and passwords of one are nothing to the next. */
  const newServer = async (state: 'fresh' | 'configured' = 'configured'): Promise<RunningServer> => {
    const server = await start();
    servers.push(server);
    if (state === 'configured') await setUp(server);
    return server;
  };
  const options = (server: RunningServer, ...expected: readonly RegExp[]): VisitorOptions => ({
    origins: [server.url],
    expected,
  });

  describe('with the keyboard alone', () => {
    /** As somebody does who cannot see where to click: on and on, until it is there, and always seeing where they are. */
    const tabTo = async (page: Page, name: string): Promise<void> => {
      const passed: string[] = [];
      for (let press = 0; press < 40; press += 1) {
        await page.keyboard.press('Tab');
        const here = await focused(page);
        const ring = await page.evaluate<string>('getComputedStyle(document.activeElement).outlineStyle');
        if (here !== '') assert.notEqual(ring, 'none', `${here}: the focus can be seen`);
        if (here === name) return;
        passed.push(here);
      }
      assert.fail(`Tab never came to "${name}", only to ${passed.join(', ')}`);
    };

    it('sets up, signs in, changes the password, ends other sessions, signs out', async (t) => {
      const server = await newServer('fresh');
      const { page } = await chromium.visitor(t, options(server));
      const { keyboard } = page;
      await page.goto(setupLink(server));
      await heading(page, 'Set up sign-in');
      await focusOn(page, 'Name'); // typing can begin at once
      await keyboard.type(admin.username);
      await tabTo(page, 'Password');
      await keyboard.type(admin.password);
      await keyboard.press('Enter');
      await heading(page, 'Keep your recovery codes');
      await focusOn(page, 'Keep your recovery codes'); // the new view is read from its beginning
      await tabTo(page, 'I have stored them');
      await keyboard.press('Enter');
      await accountPage(page);

      await signIn(server);
      await page.reload();
      await accountPage(page);
      await tabTo(page, 'Sign out 1 other device');
      await keyboard.press('Space');
      await page.getByText('You are signed in on this device only.').waitFor();
      await focusOn(page, 'Devices'); // the button has gone, and the focus is not lost
      await page.getByRole('status').getByText('All other devices are signed out.').waitFor({ state: 'attached' });

      await page.reload();
      await accountPage(page);
      await tabTo(page, 'Current password');
      await keyboard.type(admin.password);
      await tabTo(page, 'New password');
      await keyboard.type(newPassword);
      await keyboard.press('Enter');
      await page.getByRole('main').getByText('Your password is changed.').waitFor();

      await page.reload();
      await accountPage(page);
      await tabTo(page, 'Sign out');
      await keyboard.press('Enter');
      await heading(page, 'Sign in');
      await focusOn(page, 'Name');
      await keyboard.type(admin.username);
      await tabTo(page, 'Password');
      await keyboard.type(newPassword);
      await keyboard.press('Enter');
      await accountPage(page);
    });

    it('asks before it switches sign-in off, lets go again, and does both by keyboard', async (t) => {
      const server = await newServer();
      const { page } = await chromium.visitor(t, options(server));
      await signInOnConsole(page, server);
      await tabTo(page, 'Switch off sign-in');
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'Switch off sign-in for everybody?' }).waitFor();
      await focusOn(page, 'Switch off sign-in for everybody?');
      await tabTo(page, 'Keep sign-in on');
      await page.keyboard.press('Enter');
      await focusOn(page, 'Switch off sign-in');
      await page.keyboard.press('Enter');
      await focusOn(page, 'Switch off sign-in for everybody?');
      await tabTo(page, 'Switch off sign-in');
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { level: 2, name: 'Switch sign-in on' }).waitFor();
      await focusOn(page, 'Switch sign-in on');
      assert.equal((await send(`${server.console}/api/auth/status`)).json['auth_enabled'], false);
    });
  });

  describe('what is wrong is said beside it', () => {
    it('in the set-up form, and takes the focus there', async (t) => {
      const server = await newServer('fresh');
      const { page } = await chromium.visitor(t, options(server, /status of 422/, /status of 403/));
      await page.goto(`${server.url}/auth/setup`);
      await heading(page, 'Set up sign-in');
      await button(page, 'Create the account').click();
      await page.getByText('Type the setup code.').waitFor();
      await page.getByText('Choose a name.').waitFor();
      await page.getByText('Choose a password.').waitFor();
      await focusOn(page, 'Setup code'); // the first that is wrong
      await assertSound(page, 'what is wrong is said');

      await field(page, 'Setup code').fill('00000-00000-00000');
      await field(page, 'Name').fill('ada lovelace');
      await field(page, 'Password').fill(admin.password);
      await page.keyboard.press('Enter');
      await page.getByText('That name cannot be used.').waitFor();
      await focusOn(page, 'Name');
      await field(page, 'Name').fill(admin.username);
      await page.keyboard.press('Enter');
      await page.getByText('That code is wrong or too old.').waitFor();
      await focusOn(page, 'Setup code');
      assert.equal(await field(page, 'Setup code').getAttribute('aria-invalid'), 'true');
      assert.match(await describedBy(page, 'Setup code'), /^That code is wrong or too old\..*setup --new-code/);

      await field(page, 'Setup code').fill(server.setupCode);
      await field(page, 'Password').fill('password');
      await page.keyboard.press('Enter');
      await page.getByText('It is too short.').waitFor();
      await focusOn(page, 'Password');
      assert.match(await describedBy(page, 'Password'), /It is too short.*on the lists.*At least 15 characters/s);
      await assertSound(page, 'what is wrong is said');

      await button(page, 'Suggest a password').click();
      await page.getByText('It is too short.').waitFor({ state: 'detached' });
      assert.equal(await field(page, 'Password').getAttribute('aria-invalid'), null);
      const suggested = await field(page, 'Password').inputValue();
      assert.ok(suggested.length >= 15, 'what is suggested is good enough');
      await button(page, 'Create the account').click();
      await heading(page, 'Keep your recovery codes');
      await fillSignInAs(await newContext(t, server), server, suggested);
    });

    it('in the sign-in form, without saying which of the two was wrong', async (t) => {
      const server = await newServer();
      const { page } = await chromium.visitor(t, options(server, /status of 401/));
      await page.goto(`${server.url}/auth/sign-in`);
      await heading(page, 'Sign in');
      await button(page, 'Sign in').click();
      await page.getByText('Type your name.').waitFor();
      await page.getByText('Type your password.').waitFor();
      await focusOn(page, 'Name');
      assert.equal(await describedBy(page, 'Name'), 'Type your name.');
      await assertSound(page, 'what is wrong is said');

      const said: string[] = [];
      for (const name of [admin.username, 'nobody-of-that-name', 'b:ad / name']) {
        await page.reload();
        await heading(page, 'Sign in');
        await field(page, 'Name').fill(name);
        await field(page, 'Password').fill(wrongPassword);
        await page.keyboard.press('Enter');
        const alert = page.getByRole('alert');
        await alert.waitFor();
        said.push((await alert.innerText()).trim());
        assert.equal(await field(page, 'Name').inputValue(), name, 'the name need not be typed again');
        await focusOn(page, 'Password');
      }
      assert.deepEqual([...new Set(said)], ['That name and password do not match. Check both, then try again.']);
    });

    it('too many tries: how long to wait, counted down before the eyes and spoken once', async (t) => {
      const server = await newServer();
      const { page } = await chromium.visitor(t, options(server, /status of 401/, /status of 429/));
      await page.clock.install();
      await page.goto(`${server.url}/auth/sign-in`);
      await heading(page, 'Sign in');
      const wait = page.getByRole('main').getByText('Too many failed tries.');
      // Most of them by a program on the same machine, all at once: each wrong one is answered late.
      const tries = Array.from({ length: 3 }, (_, at) =>
        send(`${server.console}/api/auth/login`, { body: { ...admin, password: `${wrongPassword} ${at}` } }),
      );
      await Promise.all(tries);
      for (let attempt = 0; attempt < 30 && !(await wait.isVisible()); attempt += 1) {
        const answer = page.waitForResponse((response) => response.url().endsWith('/api/auth/login'));
        await field(page, 'Name').fill(admin.username);
        await field(page, 'Password').fill(`${wrongPassword}${attempt}`);
        await page.keyboard.press('Enter');
        if ((await answer).status() === 429) await wait.waitFor();
        else await page.getByRole('alert').waitFor();
      }
      assert.match(
        await wait.innerText(),
        /^Too many failed tries\. Wait: you can try again in \d+ (second|minute)s?\.$/,
      );
      await page.getByRole('status').getByText('Too many failed tries.').waitFor({ state: 'attached' });
      const first = await wait.innerText();
      await page.clock.fastForward(61_000);
      await eventually('the wait goes down', async () => (await wait.innerText()) !== first);
    });

    /** What a screen reader adds after the field's name. */
    const describedBy = (page: Page, label: string): Promise<string> =>
      page.evaluate<string>(`(() => {
        const input = [...document.querySelectorAll('input')].find((each) => each.labels[0]?.innerText === ${JSON.stringify(label)});
        const ids = (input.getAttribute('aria-describedby') ?? '').split(' ');
        return ids.map((id) => document.getElementById(id).innerText.trim()).join('\\n');
      })()`);
    const newContext = async (t: Parameters<Chromium['visitor']>[0], server: RunningServer): Promise<Page> =>
      (await chromium.visitor(t, options(server))).page;
    const fillSignInAs = (page: Page, server: RunningServer, password: string): Promise<void> =>
      signInOnConsole(page, server, password);
  });

  describe('every page', () => {
    let fresh: RunningServer;
    let configured: RunningServer;
    let off: RunningServer;
    let declined: RunningServer;
    before(async () => {
      [fresh, configured, off, declined] = await Promise.all([
        newServer('fresh'),
        newServer(),
        newServer('fresh'),
        newServer('fresh'),
      ]);
      const bearer = String((await setUp(off)).json['token']);
      const switched = await send(`${off.console}/api/auth/disable`, {
        headers: { authorization: `Bearer ${bearer}` },
        body: { password: admin.password },
      });
      assert.equal(switched.status, 200, switched.text);
      const recorded = await send(`${declined.console}/api/auth/decline`, { body: { setup_code: declined.setupCode } });
      assert.equal(recorded.status, 200, recorded.text);
    });

    interface Shown {
      readonly name: string;
      readonly origin: () => string;
      readonly path: string;
      readonly heading: string;
      readonly signedIn?: true;
      readonly expected?: RegExp;
    }
    const shownPages: readonly Shown[] = [
      { name: 'set up', origin: () => fresh.url, path: '/auth/setup', heading: 'Set up sign-in' },
      { name: 'set up, declined', origin: () => declined.url, path: '/auth/setup', heading: 'Set up sign-in' },
      { name: 'already set up', origin: () => configured.url, path: '/auth/setup', heading: 'Already set up' },
      { name: 'sign in', origin: () => configured.url, path: '/auth/sign-in', heading: 'Sign in' },
      { name: 'session ended', origin: () => configured.url, path: '/auth/sign-in?expired=1', heading: 'Sign in' },
      {
        name: 'sign in for a host with a long name',
        origin: () => configured.url,
        path: `/auth/sign-in?return_to=https://${'a-very-long-name.'.repeat(6)}example`,
        heading: 'Sign in',
      },
      { name: 'switched off', origin: () => off.url, path: '/auth/sign-in', heading: 'Sign-in is switched off' },
      { name: 'no sign-in', origin: () => declined.url, path: '/auth/sign-in', heading: 'No sign-in here' },
      { name: 'no account', origin: () => declined.url, path: '/auth/account', heading: 'Your account' },
      { name: 'account', origin: () => configured.url, path: '/auth/account', heading: 'Your account', signedIn: true },
      {
        name: 'forgotten password',
        origin: () => configured.url,
        path: '/auth/forgot',
        heading: 'Forgot your password?',
      },
      {
        name: 'no link',
        origin: () => configured.url,
        path: '/auth/link',
        heading: 'Open the link that you were sent',
      },
      { name: 'people', origin: () => configured.url, path: '/auth/people', heading: 'People', signedIn: true },
      { name: 'tokens', origin: () => configured.url, path: '/auth/tokens', heading: 'API tokens', signedIn: true },
      {
        name: 'certificates',
        origin: () => configured.url,
        path: '/auth/certificates',
        heading: 'Certificates',
        signedIn: true,
      },
      { name: 'keys', origin: () => configured.url, path: '/auth/keys', heading: 'Keys', signedIn: true },
      {
        name: 'somebody to be added',
        origin: () => configured.url,
        path: '/auth/people#add',
        heading: 'Add somebody',
        signedIn: true,
      },
      {
        name: 'nothing here',
        origin: () => configured.url,
        path: '/auth/no-such-page',
        heading: 'Nothing here',
        expected: /status of 404/,
      },
    ];
    for (const shown of shownPages) {
      it(`${shown.name}: for screen readers, in narrow windows, light and dark, closed to scripts`, async (t) => {
        const visitor = await chromium.visitor(t, {
          origins: [shown.origin()],
          expected: shown.expected === undefined ? [] : [shown.expected],
        });
        const { page } = visitor;
        if (shown.signedIn === true) await signInOnConsole(page, configured);
        const answer = await page.goto(`${shown.origin()}${shown.path}`);
        await heading(page, shown.heading);
        if (shown.signedIn === true && shown.heading === 'Your account') await accountPage(page);
        assert.equal(await page.title(), `${shown.heading} · Sallyport`);
        await assertSound(page, shown.name);

        const papers: string[] = [];
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme });
          papers.push(await page.evaluate<string>('getComputedStyle(document.documentElement).backgroundColor'));
          for (const width of [1280, 900, 600, 360, 320]) {
            await page.setViewportSize({ width, height: 740 });
            assert.equal(await sidewaysScroll(page), 0, `${colorScheme}, ${width} px: no sideways scroll`);
          }
        }
        assert.notEqual(papers[0], papers[1], 'dark is another theme');

        assertPolicy((await answer?.allHeaders()) ?? {});
        const nonce = await nonceOf(page);
        await page.reload();
        await heading(page, shown.heading);
        assert.notEqual(await nonceOf(page), nonce, 'a nonce serves one answer');
        assert.deepEqual(await keptInBrowser(page), {
          cookies: '',
          local: 0,
          session: 0,
          databases: 0,
          caches: 0,
          workers: 0,
        });
      });
    }

    const nonceOf = (page: Page): Promise<string> =>
      page.evaluate<string>(`document.querySelector('script[type=module]').nonce`);

    function assertPolicy(headers: Readonly<Record<string, string>>): void {
      const policy = new Map(
        (headers['content-security-policy'] ?? '').split('; ').map((line) => {
          const [name = '', ...sources] = line.split(' ');
          return [name, sources.join(' ')];
        }),
      );
      assert.equal(policy.get('default-src'), "'none'");
      assert.match(policy.get('script-src') ?? '', /^'nonce-[A-Za-z0-9_-]{22,}'$/);
      assert.match(policy.get('style-src') ?? '', /^'nonce-[A-Za-z0-9_-]{22,}'$/);
      assert.equal(policy.get('connect-src'), "'self'");
      assert.equal(policy.get('form-action'), "'self'");
      assert.equal(policy.get('frame-ancestors'), "'none'");
      assert.equal(policy.get('base-uri'), "'none'");
      assert.equal(policy.get('require-trusted-types-for'), "'script'");
      assert.equal(headers['cache-control'], 'no-store');
      assert.equal(headers['referrer-policy'], 'no-referrer');
      assert.equal(headers['cross-origin-opener-policy'], 'same-origin');
    }

    it('what a page must not do is refused, and does not go unnoticed here', async (t) => {
      const { page } = await chromium.visitor(t, {
        origins: [configured.url],
        expected: [
          /^breach: style-src-elem inline/,
          /^breach: style-src-attr inline/,
          /^breach: img-src https:\/\/elsewhere\.example/,
          /^breach: connect-src https:\/\/elsewhere\.example/,
          /^breach: require-trusted-types-for/,
          /^console: .*Content Security Policy/,
          /^console: .*TrustedHTML/,
        ],
        // Announced before the policy is asked, and never sent.
        tolerated: [/^foreign origin: https:\/\/elsewhere\.example/],
      });
      await page.goto(`${configured.url}/auth/sign-in`);
      await heading(page, 'Sign in');
      const outcome = await page.evaluate<string>(`(async () => {
        const style = document.createElement('style');
        style.textContent = 'h1 { display: none }';
        document.head.append(style);
        document.querySelector('h1').setAttribute('style', 'display: none');
        const image = document.createElement('img');
        const failed = new Promise((resolve) => image.addEventListener('error', () => resolve('no image')));
        image.src = 'https://elsewhere.example/dot.gif';
        const said = [await failed];
        said.push(await fetch('https://elsewhere.example/').then(() => 'an answer', () => 'no answer'));
        try {
          document.querySelector('h1').innerHTML = '<img src=x onerror=alert(1)>';
          said.push('a sink');
        } catch {
          said.push('no sink');
        }
        return said.join(', ');
      })()`);
      assert.equal(outcome, 'no image, no answer, no sink');
      await heading(page, 'Sign in');
    });

    it('the sign-in page is light, and stands still while it loads, as the account does', async (t) => {
      const { page } = await chromium.visitor(t, { origins: [configured.url] });
      await page.addInitScript(`{
        globalThis.moved = 0;
        new PerformanceObserver((list) => {
          for (const shift of list.getEntries()) globalThis.moved += shift.value;
        }).observe({ type: 'layout-shift', buffered: true });
      }`);
      const moved = async (): Promise<number> => {
        await page.waitForTimeout(100);
        return page.evaluate<number>('globalThis.moved');
      };
      await page.goto(`${configured.url}/auth/sign-in`);
      await heading(page, 'Sign in');
      assert.equal(await moved(), 0);
      const bytes = await page.evaluate<number>(
        `[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
           .reduce((sum, each) => sum + each.encodedBodySize, 0)`,
      );
      assert.ok(bytes > 10_000 && bytes <= 30 * 1024, `${bytes} bytes in all`);
      await fillSignIn(page);
      await accountPage(page);
      for (const width of [1280, 360]) {
        await page.setViewportSize({ width, height: 740 });
        await page.reload();
        await accountPage(page);
        const distance = await moved();
        assert.ok(distance < 0.1, `${width} px: moved by ${distance}`);
      }
    });

    it('without JavaScript says what it needs', async (t) => {
      const { page } = await chromium.visitor(t, {
        origins: [configured.url],
        context: { javaScriptEnabled: false },
      });
      await page.goto(`${configured.url}/auth/sign-in`);
      // Looked for as an element: texts are looked for outside of `noscript` only.
      const told = page.locator('noscript p');
      await told.waitFor();
      assert.match(await told.innerText(), /^These pages need JavaScript\./);
    });

    it('cookies are out of the reach of scripts and of other sites', async (t) => {
      const { page, context } = await chromium.visitor(t, { origins: [configured.url] });
      await signInOnConsole(page, configured);
      const cookies = await context.cookies();
      assert.ok(cookies.some((cookie) => cookie.name === 'sallyport-account' && cookie.expires === -1));
      assert.ok(cookies.every((cookie) => cookie.httpOnly && cookie.sameSite !== 'None' && cookie.path === '/'));
      assert.equal((await keptInBrowser(page))['cookies'], '');
    });
  });

  describe('passwords', () => {
    it('forms are what password managers look for, and take what they fill in', async (t) => {
      const server = await newServer('fresh');
      const { page } = await chromium.visitor(t, options(server));
      const fields = (form: string): Promise<readonly string[]> =>
        page.evaluate<readonly string[]>(
          `[...document.forms[${JSON.stringify(form)}].elements].filter((each) => each.name).map((each) => [each.name, each.type, each.autocomplete].join(' '))`,
        );
      const submits = (form: string): Promise<string> =>
        page.evaluate<string>(
          `document.forms[${JSON.stringify(form)}].method + ' ' + document.forms[${JSON.stringify(form)}].querySelectorAll('button[type=submit]').length`,
        );
      await page.goto(setupLink(server));
      await heading(page, 'Set up sign-in');
      assert.deepEqual(await fields('setup'), ['username text username', 'password password new-password']);
      assert.equal(await submits('setup'), 'post 1');

      await setUp(server);
      await page.goto(`${server.url}/auth/sign-in`);
      await heading(page, 'Sign in');
      assert.deepEqual(await fields('sign-in'), [
        'username text username webauthn',
        'password password current-password',
      ]);
      assert.equal(await submits('sign-in'), 'post 1');
      // A manager sets the values, not always with the events of typing, and sends the form.
      await page.evaluate(`{
        const form = document.forms['sign-in'];
        form.elements.username.value = ${JSON.stringify(admin.username)};
        form.elements.password.value = ${JSON.stringify(admin.password)};
        form.requestSubmit();
      }`);
      await accountPage(page);
      assert.deepEqual(await fields('change-password'), [
        'username text username',
        'current_password password current-password',
        'new_password password new-password',
      ]);
      assert.equal(await page.locator('form[name="change-password"] [name="username"]').inputValue(), 'root1');
    });

    it('can be shown and covered again, and are covered when they are sent', async (t) => {
      const server = await newServer();
      const { page } = await chromium.visitor(t, options(server, /status of 401/));
      await page.goto(`${server.url}/auth/sign-in`);
      await heading(page, 'Sign in');
      const password = field(page, 'Password');
      await password.fill(wrongPassword);
      assert.equal(await password.getAttribute('type'), 'password');
      await button(page, 'Show the password').click();
      assert.equal(await password.getAttribute('type'), 'text');
      assert.equal(await password.inputValue(), wrongPassword);
      await button(page, 'Hide the password').click();
      assert.equal(await password.getAttribute('type'), 'password');
      await button(page, 'Show the password').click();
      await field(page, 'Name').fill(admin.username);
      await password.press('Enter');
      await page.getByRole('alert').waitFor();
      assert.equal(await password.getAttribute('type'), 'password');
    });

    it('can be pasted, in every field for one', async (t) => {
      const server = await newServer('fresh');
      const { page } = await chromium.visitor(t, options(server));
      const { keyboard } = page;
      /** Cut out of the name field, so that the clipboard is used as a person uses it. */
      const paste = async (from: string, into: string, text: string): Promise<void> => {
        await field(page, from).fill(text);
        await field(page, from).press('Control+A');
        await keyboard.press('Control+X');
        await field(page, into).focus();
        await keyboard.press('Control+V');
        assert.equal(await field(page, into).inputValue(), text);
      };
      await page.goto(`${server.url}/auth/setup`);
      await heading(page, 'Set up sign-in');
      await paste('Name', 'Setup code', server.setupCode);
      await paste('Name', 'Password', admin.password);
      await field(page, 'Name').fill(admin.username);
      await keyboard.press('Enter');
      await heading(page, 'Keep your recovery codes');

      const { page: other } = await chromium.visitor(t, options(server));
      await other.goto(`${server.url}/auth/sign-in`);
      await heading(other, 'Sign in');
      await field(other, 'Name').fill(admin.password);
      await field(other, 'Name').press('Control+A');
      await other.keyboard.press('Control+X');
      await field(other, 'Password').focus();
      await other.keyboard.press('Control+V');
      await field(other, 'Name').fill(admin.username);
      await other.keyboard.press('Enter');
      await accountPage(other);
    });

    it('recovery codes can be copied and kept in a file, and closing the tab asks first', async (t) => {
      const server = await newServer('fresh');
      const { page, context } = await chromium.visitor(t, options(server));
      await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: server.url });
      await page.goto(setupLink(server));
      await field(page, 'Name').fill(admin.username);
      await field(page, 'Password').fill(admin.password);
      await button(page, 'Create the account').click();
      await heading(page, 'Keep your recovery codes');
      await assertSound(page, 'what is wrong is said');
      assert.equal(await sidewaysScroll(page), 0);
      const codes = await page.getByRole('list', { name: 'Recovery codes' }).getByRole('listitem').allInnerTexts();

      await button(page, 'Copy').click();
      await page.getByRole('status').getByText('Copied.').waitFor({ state: 'attached' });
      assert.equal(await page.evaluate<string>('navigator.clipboard.readText()'), codes.join('\n'));

      const [download] = await Promise.all([page.waitForEvent('download'), page.getByText('Download').click()]);
      assert.equal(download.suggestedFilename(), 'sallyport-recovery-codes-localhost.txt');
      const file = await readFile(await download.path(), 'utf8');
      assert.deepEqual(file.trim().split('\n').slice(2), codes);

      const [dialog] = await Promise.all([page.waitForEvent('dialog'), page.close({ runBeforeUnload: true })]);
      assert.equal(dialog.type(), 'beforeunload');
      await dialog.dismiss();
      await heading(page, 'Keep your recovery codes');
      page.once('dialog', (asked) => void asked.accept());
      await page.reload();
      await heading(page, 'Already set up');
      assert.ok(!(await page.content()).includes(codes[0] ?? ''), 'and they are not shown again');
    });
  });

  describe('devices', () => {
    const onTelephone = (t: Parameters<Chromium['visitor']>[0], server: RunningServer, ...expected: RegExp[]) =>
      chromium.visitor(t, { ...options(server, ...expected), context: { userAgent: telephone } });
    const row = (visitor: Visitor, device: string) => visitor.page.getByRole('row').filter({ hasText: device });

    it('are listed, this one first; ending one sends it back to sign in and to where it was', async (t) => {
      const server = await newServer();
      const home = await chromium.visitor(t, options(server));
      const phone = await onTelephone(t, server, /status of 401/);
      await signInOnConsole(home.page, server);
      await signInOnConsole(phone.page, server);
      await phone.page.goto(`${server.url}/auth/account#devices`);
      await accountPage(phone.page);
      await home.page.reload();
      await accountPage(home.page);

      const devices = home.page.getByRole('table', { name: 'Devices' });
      const names = await devices.locator('summary').allInnerTexts();
      assert.deepEqual(names.slice(0, 2), ['Chrome on Linux', 'Safari on iPhone']);
      assert.equal(await row(home, 'This device').getByRole('button').count(), 0);
      // The set-up by a program left a session as well: it has no device's name.
      await home.page.getByRole('button', { name: 'Sign out Safari on iPhone' }).click();
      await row(home, 'Safari on iPhone').waitFor({ state: 'detached' });

      await button(phone.page, /^Sign out \d other devices?$/).click();
      await phone.page.getByRole('dialog').getByRole('button', { name: 'Leave this page' }).click();
      await heading(phone.page, 'Sign in');
      await phone.page.getByText('Your session ended. Sign in to go on.').waitFor();
      await fillSignIn(phone.page);
      await accountPage(phone.page);
      assert.equal(phone.page.url(), `${server.url}/auth/account#devices`);
    });

    it('others are signed out by a change of the password, this one stays', async (t) => {
      const server = await newServer();
      const home = await chromium.visitor(t, options(server));
      const phone = await onTelephone(t, server, /status of 401/);
      await signInOnConsole(home.page, server);
      await signInOnConsole(phone.page, server);
      await home.page.reload();
      await accountPage(home.page);
      await row(home, 'Safari on iPhone').waitFor();

      await field(home.page, 'Current password').fill(admin.password);
      await field(home.page, 'New password').fill(newPassword);
      await button(home.page, 'Change password').click();
      await home.page.getByRole('main').getByText('Your password is changed.').waitFor();
      await row(home, 'Safari on iPhone').waitFor({ state: 'detached' });
      await home.page.getByText('You are signed in on this device only.').waitFor();
      assert.equal(await field(home.page, 'New password').inputValue(), '', 'nothing of it stays in the page');

      await phone.page.reload();
      await heading(phone.page, 'Sign in');
      await fillSignIn(phone.page, admin.password);
      await phone.page.getByRole('alert').waitFor();
      await fillSignIn(phone.page, newPassword);
      await accountPage(phone.page);

      await home.page.reload();
      await accountPage(home.page);
      const attempts = home.page.getByRole('table', { name: 'Sign-in attempts' });
      await attempts.getByText('Wrong password').waitFor();
      await attempts.getByText('Signed in').first().waitFor();
    });

    it('two tabs of one browser: a change in one leaves the other working', async (t) => {
      const server = await newServer();
      const { page, newTab } = await chromium.visitor(t, options(server, /status of 403/));
      await signInOnConsole(page, server);
      const other = await newTab();
      await other.goto(`${server.url}/auth/account`);
      await accountPage(other);
      await field(page, 'Current password').fill(admin.password);
      await field(page, 'New password').fill(newPassword);
      await button(page, 'Change password').click();
      await page.getByRole('main').getByText('Your password is changed.').waitFor();
      // Its CSRF token is of the session before; the page fetches the new one and tries again.
      await button(other, 'Sign out').first().click();
      await heading(other, 'Sign in');
      await other.getByText('You are signed out.').waitFor();
      await page.reload();
      await heading(page, 'Sign in');
    });
  });
});
