import type { IncomingHttpHeaders } from 'node:http';
import type { Mistake } from '../../errors.js';

/** An event as CloudEvents 1.0 has it, however it came (https://github.com/cloudevents/spec). */
export interface CloudEvent {
  /** The context attributes by name, each in its canonical text (spec §Type System). */
  readonly attributes: Readonly<Record<string, string>>;
  /** The payload; nothing where it is no JSON. */
  readonly data: unknown;
}

const REQUIRED = ['id', 'source', 'type'] as const;
const NO_ATTRIBUTES = new Set(['data', 'data_base64']);
const PREFIX = 'ce-';
const REQUIRED_HEADERS = ['specversion', ...REQUIRED].map((name) => PREFIX + name);

/** An event in the JSON format, as structured mode and batches have it. @returns its mistakes where it is none */
export function fromJson(value: unknown): CloudEvent | readonly Mistake[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [{ message: 'must be a CloudEvent: an object with specversion, id, source and type' }];
  }
  const attributes: Record<string, string> = {};
  for (const [name, attribute] of Object.entries(value)) {
    if (NO_ATTRIBUTES.has(name) || attribute === null) continue;
    if (typeof attribute === 'object') {
      return [{ path: name, message: `${name} must be a text, a number or a boolean, as each attribute must` }];
    }
    attributes[name] = String(attribute);
  }
  return checked({ attributes, data: (value as { readonly data?: unknown }).data });
}

/** Whether the headers are those of an event in binary mode, right or not. */
export function isInHeaders(headers: IncomingHttpHeaders): boolean {
  return REQUIRED_HEADERS.some((name) => headers[name] !== undefined);
}

/** An event in binary mode: attributes in headers (HTTP binding §3.1). @param data - what the body holds */
export function fromHeaders(headers: IncomingHttpHeaders, data: unknown): CloudEvent | readonly Mistake[] {
  const attributes: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(PREFIX) && value !== undefined) attributes[name.slice(PREFIX.length)] = decoded(String(value));
  }
  return checked({ attributes, data });
}

/** What is not ASCII comes percent-encoded (HTTP binding §3.1.3.2). */
function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

function checked(event: CloudEvent): CloudEvent | readonly Mistake[] {
  const { attributes } = event;
  const mistakes: Mistake[] = REQUIRED.filter((name) => (attributes[name] ?? '') === '').map((name) => ({
    path: name,
    message: `${name} is required, and may not be empty`,
  }));
  if (attributes.specversion !== '1.0') {
    mistakes.push({ path: 'specversion', message: 'specversion must be "1.0"' });
  }
  return mistakes.length === 0 ? event : mistakes;
}
