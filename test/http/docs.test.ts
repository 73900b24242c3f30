import { createHash } from 'node:crypto';
import { expect } from 'chai';
import { html, inline, prose } from '../../lib/http/docs/html.js';
import { openApiDocument } from '../../lib/http/openapi/document.js';
import { STATUSES } from '../../lib/http/problem.js';
import { type Front, openFront, problemIn } from './front.js';

describe('the documentation', () => {
  let front: Front;
  const pages: Record<string, string> = {};
  before(async () => {
    front = await openFront();
    for (const path of ['/docs', '/docs/errors']) pages[path] = await (await fetch(front.url + path)).text();
  });
  after(() => front.close());

  function anchorsIn(path: string): string[] {
    return [...(pages[path] ?? '').matchAll(/ id="([^"]+)"/g)].map(([, id = '']) => id);
  }

  it('is read by anybody, with and without the last slash, and kept for five minutes', async () => {
    for (const path of ['/docs', '/docs/', '/docs/errors', '/docs/errors/']) {
      const { status, headers } = await fetch(front.url + path, { method: 'HEAD' });
      expect(status, path).to.equal(200);
      expect(headers.get('content-type')).to.equal('text/html; charset=utf-8');
      expect(headers.get('cache-control')).to.equal('public, max-age=300');
    }
  });

  it('loads nothing and runs nothing, and its policy says so', async () => {
    const { headers } = await fetch(`${front.url}/docs`);
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).to.match(/^default-src 'none'; style-src 'sha256-[^']+'; /);
    for (const text of Object.values(pages)) {
      expect(text).not.to.match(/<script|<link|<img|<iframe| src=| style=| on\w+=/);
      const [, style = ''] = /<style>([^]*?)<\/style>/.exec(text) ?? [];
      expect(policy).to.include(createHash('sha256').update(style).digest('base64'));
    }
  });

  it('has every operation, each of its parameters, and a command', () => {
    const text = pages['/docs'] ?? '';
    for (const [path, item] of Object.entries(openApiDocument.paths)) {
      expect(text).to.include(`<code>${path}</code>`);
      for (const operation of Object.values(item)) {
        const { operationId, parameters = [], 'x-codeSamples': samples = [] } = operation;
        const [, article = ''] = new RegExp(`<article id="${operationId}">([^]*?)</article>`).exec(text) ?? [];
        for (const { name } of parameters) expect(article).to.include(`<code>${name}</code>`);
        for (const { source } of samples) expect(article).to.include(html`<code>${source}</code>`.text);
      }
    }
  });

  it('explains every error code, and no other', () => {
    expect(anchorsIn('/docs/errors')).to.have.members(Object.keys(STATUSES));
  });

  it('is where problems lead', async () => {
    const { type } = await problemIn(await front.fetch('/nowhere'));
    const [path = '', anchor] = type.split('#');
    expect(anchorsIn(path)).to.include(anchor);
  });

  it('has links that lead somewhere', async () => {
    for (const [page, text] of Object.entries(pages)) {
      expect(new Set(anchorsIn(page)).size).to.equal(anchorsIn(page).length);
      for (const [, link = ''] of text.matchAll(/ href="([^"]+)"/g)) {
        const { pathname, hash } = new URL(link, front.url + page);
        if (hash === '') expect((await fetch(front.url + pathname)).status, link).to.equal(200);
        else expect(anchorsIn(pathname), link).to.include(hash.slice(1));
      }
    }
  });

  it('escapes everything that is no HTML itself', () => {
    const bad = `<b>"&'</b>`;
    const good = '&lt;b&gt;&quot;&amp;&#39;&lt;/b&gt;';
    expect(html`<p title="${bad}">${[bad, html`<i>${bad}</i>`, 1, undefined, false]}</p>`.text).to.equal(
      `<p title="${good}">${good}<i>${good}</i>1</p>`,
    );
    expect(inline(`a \`${bad}\` b`).text).to.equal(`a <code>${good}</code> b`);
    expect(prose(`${bad}\n\n${bad}`).text).to.equal(`<p>${good}</p><p>${good}</p>`);
  });
});
