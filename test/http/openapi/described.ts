import { Ajv2020 } from 'ajv/dist/2020.js';
import ajvFormats from 'ajv-formats';
import type {
  Examples,
  MediaType,
  OpenApiDocument,
  Operation,
  Reference,
  Response,
  Schema,
} from '../../../lib/http/openapi/types.js';

export interface DocumentedRoute {
  readonly path: string;
  readonly method: string;
  readonly operation: Operation;
}

/** What `/openapi.json` says, to be held against what the service does. */
export class Described {
  private readonly ajv = new Ajv2020({ strict: true, strictRequired: false, allErrors: true, allowUnionTypes: true });

  constructor(readonly document: OpenApiDocument) {
    ajvFormats.default(this.ajv);
    // The document is a schema to ajv only so that references into it are found.
    this.ajv.addVocabulary(Object.keys(document));
    this.ajv.addSchema(document, 'openapi.json');
  }

  static async by({ url }: { readonly url: string }): Promise<Described> {
    return new Described((await (await fetch(`${url}/openapi.json`)).json()) as OpenApiDocument);
  }

  get routes(): DocumentedRoute[] {
    return Object.entries(this.document.paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
    );
  }

  operation(id: string): Operation {
    const found = this.routes.find(({ operation }) => operation.operationId === id);
    if (found === undefined) throw new Error(`No operation ${id}`);
    return found.operation;
  }

  /** What is wrong with a value, if anything; throws where the schema itself is not right. */
  mistakesIn(value: unknown, schema: Schema): string | undefined {
    const anchored = JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"openapi.json#/')) as Schema;
    return this.ajv.validate(anchored, value) ? undefined : this.ajv.errorsText();
  }

  /** Throws with the reasons where a value is not what a schema of the document says. */
  validate(name: string, value: unknown): void {
    const mistakes = this.mistakesIn(value, { $ref: `#/components/schemas/${name}` });
    if (mistakes !== undefined) throw new Error(`${JSON.stringify(value)} is no ${name}: ${mistakes}`);
  }
}

/** What an answer holds by media type; nothing where it is described elsewhere. */
export function contentOf(response: Response | Reference | undefined): Readonly<Record<string, MediaType>> {
  return response !== undefined && 'content' in response ? (response.content ?? {}) : {};
}

export function valuesOf(examples: Examples = {}): unknown[] {
  return Object.values(examples).map(({ value }) => value);
}

/** The examples of an answer. */
export function examplesIn(operation: Operation, status = 200, type = 'application/json'): unknown[] {
  return valuesOf(contentOf(operation.responses[String(status)])[type]?.examples);
}

/** Whether a path is served by the authorization server, which is mounted beside the routes of `lib/http/`. */
export function isAuthorization(path: string): boolean {
  return /^\/(?:o|\.well-known)\//.test(path);
}
