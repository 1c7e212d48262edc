/** The OpenAPI 3.1 document, made from the route table (BY12). */
import * as z from 'zod';
import { type ErrorCode, problems } from '../errors.ts';
import { takesBasic } from '../policy/need.ts';
import type { Route } from './route.ts';

const general: readonly string[] = [
  'invalid_request',
  'payload_too_large',
  'unsupported_media_type',
  'misdirected_request',
  'unavailable',
];

const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header',
  description:
    'What is asked for under one key is done at most once; a repetition within 24 h is told the first answer.',
  schema: { type: 'string', pattern: '^[\\x21-\\x7e]{1,255}$' },
} as const;

const byKey: readonly string[] = ['idempotency_in_progress', 'idempotency_mismatch', 'idempotency_unknown'];

export function openApiDocument(routes: readonly Route[], version: string): object {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    (paths[route.path] ??= {})[route.method.toLowerCase()] = {
      summary: route.summary,
      parameters: [
        ...[...route.path.matchAll(/\{([a-z_]+)\}/g)].map(([, name]) => ({
          name,
          in: 'path',
          required: true,
          schema: { type: 'string' },
        })),
        ...(route.query ?? []).map((name) => ({ name, in: 'query', schema: { type: 'string' } })),
        ...(route.repeats === 'by-key' ? [idempotencyKey] : []),
      ],
      ...requestBodyOf(route),
      security: securityOf(route),
      responses: responsesOf(route),
    };
  }
  // Any method, and answered before the table is looked at: the hot path (`handler.ts`).
  paths['/api/auth/verify'] = {
    get: {
      summary: "A reverse proxy's question: may this request pass, and who is it?",
      parameters: ['scope', 'privilege', 'kind', 'optional', 'redirect'].map((name) => ({
        name,
        in: 'query',
        schema: { type: 'string' },
      })),
      security: [{ sessionCookie: [] }, { bearer: [] }],
      responses: {
        '200': { description: 'It may pass; the identity headers say who it is' },
        '302': { description: 'To the sign-in page' },
        '401': { description: 'Not signed in' },
        '403': { description: 'Not allowed' },
        '503': { description: 'Not set up, or unavailable' },
      },
    },
  };
  return {
    openapi: '3.1.0',
    info: { title: 'Sallyport', version },
    paths,
    components: {
      securitySchemes: {
        sessionCookie: { type: 'apiKey', in: 'cookie', name: '__Host-sallyport-account' },
        csrfToken: { type: 'apiKey', in: 'header', name: 'X-CSRF-Token' },
        bearer: { type: 'http', scheme: 'bearer' },
        ticketCookie: { type: 'apiKey', in: 'cookie', name: '__Host-SPAuthCookie' },
        ticketCsrf: { type: 'apiKey', in: 'header', name: 'CSRFPreventionToken' },
        basic: { type: 'http', scheme: 'basic' },
        basicWithCode: { type: 'apiKey', in: 'header', name: 'X-Auth-Token' },
      },
      schemas: { Problem: z.toJSONSchema(problemSchema) },
    },
  };
}

function requestBodyOf({ form, body }: Route): { readonly requestBody?: object } {
  if (form === 'csv') return { requestBody: { content: { 'text/csv': { schema: { type: 'string' } } } } };
  if (body === null) return {};
  const schema = z.toJSONSchema(body, { io: 'input' });
  const inForm = form === 'json-or-form' ? { 'application/x-www-form-urlencoded': { schema } } : {};
  return { requestBody: { content: { 'application/json': { schema }, ...inForm } } };
}

const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  success: z.literal(false),
  message: z.string(),
  error: z.string(),
  error_code: z.enum(Object.keys(problems) as [ErrorCode, ...ErrorCode[]]),
  request_id: z.string(),
  retry_after: z.int().optional(),
});

/** The code of a second factor goes with the password, where there is one. */
function securityOf({ who, need }: Route): readonly Readonly<Record<string, readonly string[]>>[] {
  if (who === 'anybody') return [];
  const tickets = need.kind !== 'session' || need.tickets === 'admitted' ? [{ ticketCookie: [], ticketCsrf: [] }] : [];
  const basic = takesBasic(need) === 'yes' ? [{ basic: [] }, { basic: [], basicWithCode: [] }] : [];
  return [{ sessionCookie: [], csrfToken: [] }, { bearer: [] }, ...tickets, ...basic];
}

function responsesOf(route: Route): Record<string, unknown> {
  const needs =
    route.who === 'anybody'
      ? ['csrf_failed']
      : [
          'unauthorized',
          'session_expired',
          'invalid_token',
          'csrf_failed',
          'forbidden',
          'rate_limited',
          'address_denied',
          ...(route.who === 'account' || route.who === 'admin' ? ['insufficient_scope'] : []),
          ...(takesBasic(route.need) === 'yes' ? ['invalid_credentials', 'second_factor_required'] : []),
        ];
  const repeated = route.repeats === 'by-key' ? byKey : [];
  const codes = [...route.refusals, ...repeated, ...needs, ...general].filter(
    (code): code is ErrorCode => code in problems,
  );
  const byStatus = Map.groupBy(codes, (code) => problems[code].status);
  const success = String(route.success ?? 200);
  return {
    [success]: { description: 'Done', content: { 'application/json': { schema: { type: 'object' } } } },
    ...Object.fromEntries(
      [...byStatus].map(([status, each]) => [
        String(status),
        {
          description: [...new Set(each)].join(', '),
          content: {
            [route.path.startsWith('/api2/') ? 'application/json' : 'application/problem+json']: {
              schema: { $ref: '#/components/schemas/Problem' },
            },
          },
        },
      ]),
    ),
  };
}
