import { openApiDocument } from '../openapi/document.js';
import type {
  Examples,
  MediaType,
  Method,
  Operation,
  Parameter,
  Reference,
  Response,
  Schema,
} from '../openapi/types.js';
import { type Html, html, inline, prose } from './html.js';
import { page } from './page.js';
import { describeSchema, resolve } from './schema-text.js';

interface Endpoint {
  readonly method: Method;
  readonly path: string;
  readonly operation: Operation;
}

const endpoints: readonly Endpoint[] = Object.entries(openApiDocument.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]) => ({ method: method as Method, path, operation })),
);

/** `/docs`: each operation with its parameters and examples, from the OpenAPI document. */
export function operationsPage(): string {
  const { info, tags } = openApiDocument;
  return page(
    info.title,
    html`<h1>${info.title}</h1>
      <p class="faint">Version ${info.version}. ${info.summary}</p>
      ${prose(info.description)}
      <ul class="index">
        ${endpoints.map(indexEntry)}
      </ul>
      ${tags.map(
        ({ name, description }) =>
          html`<h2>${name}</h2>
            <p>${description}</p>
            ${endpoints.filter(({ operation }) => operation.tags[0] === name).map(article)}`,
      )}`,
  );
}

function indexEntry({ method, path, operation }: Endpoint): Html {
  return html`<li>
    ${methodName(method)} <a href="#${operation.operationId}"><code>${path}</code></a>
    <span class="faint">${operation.summary}</span>
  </li>`;
}

function methodName(method: Method): Html {
  return html`<span class="method ${method}">${method.toUpperCase()}</span>`;
}

function article({ method, path, operation }: Endpoint): Html {
  const { operationId, summary, description, parameters = [], requestBody } = operation;
  return html`<article id="${operationId}">
    <h3>${summary}</h3>
    <p class="endpoint">${methodName(method)} <code>${path}</code></p>
    ${accessLine(operation)} ${prose(description)}
    ${
      parameters.length > 0 &&
      html`<h4>Parameters</h4>
        <dl>${parameters.map(parameterEntry)}</dl>`
    }
    ${requestBody && bodySection(requestBody.content)} ${samplesSection(operation)}
    <h4>Answers</h4>
    <dl>${Object.entries(operation.responses).map(([status, response]) => responseEntry(status, response))}</dl>
  </article>`;
}

function accessLine({ security }: Operation): Html {
  const scopes = security.flatMap(({ oauth2 = [] }) => oauth2);
  if (scopes.length > 0) return html`<p class="faint">Scope <code>${scopes.join(' ')}</code></p>`;
  return html`<p class="faint">${security.length === 0 ? 'No token needed' : 'The credentials of an application'}</p>`;
}

function parameterEntry({ name, in: place, required, description, schema, examples }: Parameter): Html {
  const where = place === 'query' ? undefined : `${place}, `;
  return entry(name, html`${where}${required && 'required, '}${typeText(schema)}`, description, examples);
}

function entry(name: string, about: Html, description: string, examples: Examples = {}): Html {
  const values = Object.values(examples).map(({ value }) => html` <code>${exampleText(value)}</code>`);
  return html`<dt><code>${name}</code> <span class="faint">${about}</span></dt>
    <dd>${prose(description)}${values.length > 0 && html`<p class="faint">Such as${values}</p>`}</dd>`;
}

function typeText(schema: Schema): string {
  const { default: preset } = resolve(schema);
  return describeSchema(schema) + (preset === undefined ? '' : `; default ${exampleText(preset)}`);
}

/** A value as it is written in an address. */
function exampleText(value: unknown): string {
  if (Array.isArray(value)) return value.map(exampleText).join(',');
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.entries(value)
    .map(([key, member]) => `${key}=${String(member)}`)
    .join('&');
}

function bodySection(content: Readonly<Record<string, MediaType>>): Html {
  const [first] = Object.values(content);
  const types = Object.keys(content).map((type) => html` <code>${type}</code>`);
  return html`<h4>Body</h4>
    <p>As${types}</p>
    ${first && fieldList(first.schema)}`;
}

/** The fields of an object, or of the first alternative. */
function fieldList(schema: Schema): Html {
  const { anyOf: [first] = [], properties = {}, required = [] } = resolve(schema);
  if (first !== undefined) return fieldList(first);
  const entries = Object.entries(properties).map(([name, property]) => {
    const about = html`${required.includes(name) && 'required, '}${typeText(property)}`;
    return entry(name, about, resolve(property).description ?? '');
  });
  return html`<dl>${entries}</dl>`;
}

function samplesSection({ 'x-codeSamples': samples = [] }: Operation): Html | undefined {
  if (samples.length === 0) return undefined;
  const figures = samples.map(({ label, source }) => figure(label, source));
  return html`<h4>${samples.length === 1 ? 'Example' : 'Examples'}</h4>
    ${figures}`;
}

function figure(caption: string, text: string): Html {
  return html`<figure>
    <figcaption>${caption}</figcaption>
    <pre><code>${text}</code></pre>
  </figure>`;
}

function responseEntry(status: string, response: Response | Reference): Html {
  if ('$ref' in response) {
    const code = response.$ref.slice(response.$ref.lastIndexOf('/') + 1);
    return html`<dt><code>${status}</code> <a href="/docs/errors#${code}">${code}</a></dt>`;
  }
  const examples = Object.entries(response.content ?? {}).flatMap(([type, { examples = {} }]) =>
    Object.values(examples).map(({ summary, value }) =>
      figure(
        [type, summary].filter((text) => text !== undefined).join(': '),
        typeof value === 'string' ? value.trimEnd() : JSON.stringify(value, undefined, 2),
      ),
    ),
  );
  return html`<dt><code>${status}</code> ${inline(response.description)}</dt>
    <dd>${examples}</dd>`;
}
