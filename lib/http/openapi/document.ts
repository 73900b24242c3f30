import { readFileSync } from 'node:fs';
import { PACKAGE_FOLDER } from '../../config.js';
import { authorization, securitySchemes } from './authorization.js';
import { lineProtocol } from './line-protocol.js';
import { metricsFormats } from './metrics-formats.js';
import { questions } from './questions.js';
import { headers, responses } from './responses.js';
import { schemas } from './schemas.js';
import { tracking } from './tracking.js';
import type { OpenApiDocument, Paths } from './types.js';
import { upkeep } from './upkeep.js';

const { version } = JSON.parse(readFileSync(`${PACKAGE_FOLDER}/package.json`, 'utf8')) as { version: string };

const paths: Paths = { ...authorization, ...tracking, ...lineProtocol, ...metricsFormats, ...questions, ...upkeep };
const pathsText = JSON.stringify(paths);

/** The HTTP API as an OpenAPI 3.1 document: the one source of `/openapi.json` and of `/docs`. */
export const openApiDocument: OpenApiDocument = {
  openapi: '3.1.1',
  info: {
    title: 'Tracking API',
    version,
    summary: 'Events in, exact calendar aggregates out.',
    description: `Applications and servers send events (namespace, name, timestamp, value, perhaps tags) and get them back aggregated by minute, hour, day, week, month or year. Every acknowledged event survives any kill and counts exactly once.

Every request but those for a token, for health and for documentation carries a bearer token. Every path works with and without its last slash. Errors are \`application/problem+json\` (RFC 9457); their \`type\` leads to a page that says what to do.`,
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
  },
  servers: [{ url: '/', description: 'The service that this document comes from.' }],
  tags: [
    { name: 'Authorization', description: 'OAuth 2.0 client credentials.' },
    { name: 'Tracking', description: 'Events in.' },
    { name: 'Aggregation', description: 'Aggregates out.' },
    { name: 'Deletion', description: 'Events gone for good.' },
    { name: 'Discovery', description: 'What there is to ask about.' },
    { name: 'Operation', description: 'Health, readiness and documentation.' },
  ],
  paths,
  components: {
    schemas,
    responses: Object.fromEntries(
      Object.entries(responses).filter(([code]) => pathsText.includes(`"#/components/responses/${code}"`)),
    ),
    headers,
    securitySchemes,
  },
};
