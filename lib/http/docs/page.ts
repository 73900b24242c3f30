import { createHash } from 'node:crypto';
import { Html, html } from './html.js';
import { STYLE } from './style.js';

// Put together here and not in the page, so that not one space stands between the tags and what the hash is of.
const STYLE_ELEMENT = new Html(`<style>${STYLE}</style>`);
const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');

/** Nothing is loaded and nothing runs; of styles only our own, known by its hash. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${STYLE_HASH}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** A whole page. */
export function page(title: string, content: Html): string {
  const { text } = html`<html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <title>${title}</title>
      ${STYLE_ELEMENT}
    </head>
    <body>
      <nav class="top">
        <a href="/docs">Tracking API</a><a href="/docs/errors">Errors</a><a href="/openapi.json">OpenAPI</a>
      </nav>
      <main>${content}</main>
    </body>
  </html>`;
  return `<!doctype html>\n${text}\n`;
}
