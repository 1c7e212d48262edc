/**
 * The route table: every route of the API with its need (2-http-api, 4). Read down a column to see what a route asks
 * for; a route without a need does not compile.
 */
import type * as z from 'zod';
import type { Call, Outcome, SignedInCall } from '../actions/call.ts';
import { done } from '../actions/call.ts';
import { type AuditParts, listAudit } from '../actions/audit.ts';
import { type BlockParts, liftBlocks, listBlocks } from '../actions/blocks.ts';
import { changePassword, type ChangePasswordParts, reauthenticate } from '../actions/change-password.ts';
import { prepareSignIn } from '../actions/login-mode.ts';
import {
  endOneSession,
  endOtherSessions,
  endUserSession,
  endUserSessions,
  listAttempts,
  listSessions,
  listUserSessions,
  type SessionParts,
  signOut,
} from '../actions/sessions.ts';
import { decline, type DeclineParts, setUpInTurn, type SetUpParts } from '../actions/set-up.ts';
import { signIn, type SignInParts } from '../actions/sign-in.ts';
import { status } from '../actions/status.ts';
import { disableAuthentication, enableAuthentication, type SwitchParts } from '../actions/switch-authentication.ts';
import { refuse } from '../errors.ts';
import type { OpenRoute, Route, SessionRoute } from './route.ts';
import {
  changePasswordBody,
  declineBody,
  enableBody,
  liftBody,
  loginBody,
  reauthenticateBody,
  setUpBody,
  signOutBody,
  stepUpBody,
} from './schemas.ts';

export type RouteParts = SetUpParts &
  DeclineParts &
  SwitchParts &
  SignInParts &
  ChangePasswordParts &
  BlockParts &
  SessionParts &
  AuditParts & {
    readonly consoleKinds: readonly string[];
    readonly ready: () => Promise<Outcome>;
    readonly metrics: () => Promise<Outcome>;
    readonly openapi: () => object;
  };

type Row<R, C, S extends z.ZodType | null> = Omit<R, 'who' | 'body' | 'action'> & {
  readonly body: S;
  readonly action: (call: C) => Promise<Outcome> | Outcome;
};
type BodyOf<S> = S extends z.ZodType ? z.infer<S> : unknown;

/** The handler has checked the body against the row's schema before the action sees it; this is where that becomes a type. */
function open<S extends z.ZodType | null>(row: Row<OpenRoute, Call<BodyOf<S>>, S>): Route {
  return { ...row, who: 'anybody' } as OpenRoute;
}

function signedIn<S extends z.ZodType | null>(row: Row<SessionRoute, SignedInCall<BodyOf<S>>, S>): Route {
  return { ...row, who: 'signed-in' } as SessionRoute;
}

export function routes(parts: RouteParts): readonly Route[] {
  const session = { kind: 'session', kinds: parts.consoleKinds } as const;
  const admin = { kind: 'admin' } as const;
  const nobody = { kind: 'nobody' } as const;
  const anybody = { kind: 'anybody' } as const;
  const setUp = setUpInTurn(parts);

  return [
    open({
      method: 'GET',
      path: '/api/auth/status',
      summary: 'Setup state, and who is signed in',
      need: anybody,
      works: 'always',
      form: 'none',
      body: null,
      stepUp: 'none',
      refusals: [],
      action: async (call) => status(call, await parts.memory.state()),
    }),
    open({
      method: 'POST',
      path: '/api/auth/setup',
      summary: 'Make the first admin',
      need: nobody,
      works: 'always',
      form: 'json',
      body: setUpBody,
      stepUp: 'none',
      refusals: [
        'already_configured',
        'setup_code_invalid',
        'login_token_invalid',
        'password_refused',
        'rate_limited',
        'busy',
      ],
      action: setUp,
    }),
    open({
      method: 'POST',
      path: '/api/auth/decline',
      summary: 'Decide to run without sign-in',
      need: nobody,
      works: 'always',
      form: 'json',
      body: declineBody,
      stepUp: 'none',
      refusals: ['already_configured', 'setup_code_invalid', 'rate_limited'],
      action: (call) => decline(parts, call),
    }),
    open({
      method: 'POST',
      path: '/api/auth/skip',
      summary: 'The same, under its other name',
      need: nobody,
      works: 'always',
      form: 'json',
      body: declineBody,
      stepUp: 'none',
      refusals: ['already_configured', 'setup_code_invalid', 'rate_limited'],
      action: (call) => decline(parts, call),
    }),
    signedIn({
      method: 'POST',
      path: '/api/auth/disable',
      summary: 'Switch authentication off',
      need: admin,
      works: 'with-accounts',
      form: 'json',
      body: stepUpBody,
      stepUp: 'fresh',
      refusals: ['reauthentication_required', 'reauthentication_failed', 'conflict', 'rate_limited', 'busy'],
      action: (call) => disableAuthentication(parts, call),
    }),
    open({
      method: 'POST',
      path: '/api/auth/enable',
      summary: 'Switch authentication on again',
      need: nobody,
      works: 'with-accounts',
      form: 'json',
      body: enableBody,
      stepUp: 'none',
      refusals: ['invalid_credentials', 'forbidden', 'conflict', 'rate_limited', 'busy'],
      action: (call) => enableAuthentication(parts, call),
    }),
    open({
      method: 'POST',
      path: '/api/auth/login/prepare',
      summary: 'A login token and its cookie, for signing in with cookies',
      need: nobody,
      works: 'always',
      form: 'json',
      body: null,
      stepUp: 'none',
      refusals: [],
      action: (call) => prepareSignIn(parts, call),
    }),
    open({
      method: 'POST',
      path: '/api/auth/login',
      summary: 'Sign in',
      need: nobody,
      works: 'with-accounts',
      form: 'json',
      body: loginBody,
      stepUp: 'none',
      refusals: ['invalid_credentials', 'login_token_invalid', 'forbidden', 'rate_limited', 'busy'],
      action: (call) => signIn(parts, call),
    }),
    signedIn({
      method: 'POST',
      path: '/api/auth/logout',
      summary: 'Sign out',
      need: session,
      works: 'with-accounts',
      form: 'json-or-form',
      body: signOutBody,
      stepUp: 'none',
      refusals: [],
      action: (call) => signOut(parts, call),
    }),
    signedIn({
      method: 'POST',
      path: '/api/auth/reauthenticate',
      summary: 'Confirm with the password',
      need: session,
      works: 'with-accounts',
      form: 'json',
      body: reauthenticateBody,
      stepUp: 'none',
      refusals: ['reauthentication_failed', 'rate_limited', 'busy'],
      action: (call) => reauthenticate(parts, call),
    }),
    signedIn({
      method: 'POST',
      path: '/api/auth/change-password',
      summary: 'Change the password',
      need: session,
      works: 'with-accounts',
      form: 'json',
      body: changePasswordBody,
      stepUp: 'none',
      refusals: ['reauthentication_failed', 'password_refused', 'conflict', 'rate_limited', 'busy'],
      action: (call) => {
        const old = call.body.old_password ?? call.body.current_password;
        if (old === undefined) return refuse('invalid_request');
        return changePassword(parts, { ...call, body: { old_password: old, new_password: call.body.new_password } });
      },
    }),
    signedIn({
      method: 'GET',
      path: '/api/auth/sessions',
      summary: 'Own sessions',
      need: session,
      works: 'with-accounts',
      form: 'none',
      body: null,
      stepUp: 'none',
      refusals: [],
      action: (call) => listSessions(parts, call),
    }),
    signedIn({
      method: 'DELETE',
      path: '/api/auth/sessions',
      summary: 'End all other own sessions',
      need: session,
      works: 'with-accounts',
      form: 'json',
      body: null,
      stepUp: 'none',
      refusals: [],
      action: (call) => endOtherSessions(parts, call),
    }),
    signedIn({
      method: 'DELETE',
      path: '/api/auth/sessions/{id}',
      summary: 'End one own session',
      need: session,
      works: 'with-accounts',
      form: 'json',
      body: null,
      stepUp: 'none',
      refusals: [],
      action: (call) => endOneSession(parts, call),
    }),
    signedIn({
      method: 'GET',
      path: '/api/auth/users/{id}/sessions',
      summary: "A user's sessions",
      need: admin,
      works: 'with-accounts',
      form: 'none',
      body: null,
      stepUp: 'none',
      refusals: [],
      action: (call) => listUserSessions(parts, call),
    }),
    signedIn({
      method: 'DELETE',
      path: '/api/auth/users/{id}/sessions',
      summary: "End a user's sessions (one's own: all others)",
      need: admin,
      works: 'with-accounts',
      form: 'json',
      body: null,
      stepUp: 'none',
      refusals: [],
      action: (call) => endUserSessions(parts, call),
    }),
    signedIn({
      method: 'DELETE',
      path: '/api/auth/users/{id}/sessions/{session}',
      summary: "End one of a user's sessions",
      need: admin,
      works: 'with-accounts',
      form: 'json',
      body: null,
      stepUp: 'none',
      refusals: [],
      action: (call) => endUserSession(parts, call),
    }),
    signedIn({
      method: 'GET',
      path: '/api/auth/login-attempts',
      summary: "Sign-in attempts: own, or everybody's for an admin",
      need: session,
      works: 'with-accounts',
      form: 'none',
      body: null,
      stepUp: 'none',
      refusals: [],
      action: (call) => listAttempts(parts, call),
    }),
    signedIn({
      method: 'GET',
      path: '/api/auth/audit',
      summary: 'The audit log, newest first; as a file with `Accept: application/x-ndjson` or `text/csv`',
      query: ['event', 'user', 'since', 'until', 'before', 'limit'],
      need: admin,
      works: 'with-accounts',
      form: 'none',
      body: null,
      stepUp: 'none',
      refusals: [],
      action: (call) => listAudit(parts, call),
    }),
    signedIn({
      method: 'GET',
      path: '/api/auth/blocks',
      summary: 'Who is limited now for failed attempts',
      need: admin,
      works: 'with-accounts',
      form: 'none',
      body: null,
      stepUp: 'none',
      refusals: [],
      action: () => listBlocks(parts),
    }),
    signedIn({
      method: 'DELETE',
      path: '/api/auth/blocks',
      summary: 'Lift the limits on a user, an address or a network, or on all',
      need: admin,
      works: 'with-accounts',
      form: 'json',
      body: liftBody,
      stepUp: 'none',
      refusals: [],
      action: (call) => liftBlocks(parts, call),
    }),
    open({
      method: 'GET',
      path: '/api/auth/openapi.json',
      summary: 'This document',
      need: nobody,
      works: 'always',
      form: 'none',
      body: null,
      stepUp: 'none',
      refusals: [],
      action: () => ({ kind: 'document', value: parts.openapi() }),
    }),
    open({
      method: 'GET',
      path: '/healthz',
      summary: 'The process lives',
      need: nobody,
      works: 'always',
      form: 'none',
      body: null,
      stepUp: 'none',
      refusals: [],
      action: () => done({ status: 'ok' }),
    }),
    open({
      method: 'GET',
      path: '/readyz',
      summary: 'The store can be read and written',
      need: nobody,
      works: 'always',
      form: 'none',
      body: null,
      stepUp: 'none',
      refusals: ['unavailable'],
      action: () => parts.ready(),
    }),
    open({
      method: 'GET',
      path: '/metrics',
      summary: 'Figures for Prometheus, on this machine or on a listener of their own',
      need: { kind: 'local' },
      works: 'always',
      form: 'none',
      body: null,
      stepUp: 'none',
      refusals: ['unauthorized'],
      action: () => parts.metrics(),
    }),
  ];
}
