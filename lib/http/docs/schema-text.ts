import { openApiDocument } from '../openapi/document.js';
import type { Schema } from '../openapi/types.js';

/** A schema with its reference followed; what stands beside the reference wins. */
export function resolve(schema: Schema): Schema {
  const { $ref, ...own } = schema;
  if ($ref === undefined) return schema;
  const name = $ref.slice($ref.lastIndexOf('/') + 1);
  return { ...resolve(openApiDocument.components.schemas[name] ?? {}), ...own };
}

/** What a schema allows, in a few words: `number`, `one of minute, hour`, `list of string`. */
export function describeSchema(schema: Schema): string {
  const { enum: words, const: constant, type, anyOf, items, minimum, maximum } = resolve(schema);
  if (words !== undefined) return words.length === 1 ? String(words[0]) : `one of ${words.join(', ')}`;
  if (constant !== undefined) return String(constant);
  if (anyOf !== undefined) return anyOf.map(describeAlternative).join(', or ');
  if (items !== undefined) return `list of ${describeSchema(items)}`;
  const name = typeof type === 'string' ? type : (type ?? ['anything']).join(' or ');
  const range = minimum !== undefined && maximum !== undefined ? ` from ${count(minimum)} to ${count(maximum)}` : '';
  return name + range;
}

function describeAlternative(schema: Schema): string {
  const { description } = resolve(schema);
  return schema.$ref === undefined && description !== undefined ? firstLower(description) : describeSchema(schema);
}

function firstLower(text: string): string {
  const plain = text.replaceAll('`', '').replace(/\.$/, '');
  return /^[A-Z][a-z ]/.test(plain) ? plain.charAt(0).toLowerCase() + plain.slice(1) : plain;
}

function count(number: number): string {
  return number.toLocaleString('en');
}
