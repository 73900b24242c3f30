import type { ErrorCode } from '../../errors.js';
import { errorGuide } from '../openapi/error-guide.js';
import { exampleProblem } from '../openapi/responses.js';
import { STATUSES } from '../problem.js';
import { type Html, html, prose } from './html.js';
import { page } from './page.js';

const codes = (Object.keys(STATUSES) as ErrorCode[]).sort((one, other) => STATUSES[one][0] - STATUSES[other][0]);

/** `/docs/errors`: each code, which the `type` of a problem leads to, with what it means and what to do. */
export function errorsPage(): string {
  return page(
    'Errors of the Tracking API',
    html`<h1>Errors</h1>
      ${prose(
        'Every error is `application/problem+json` (RFC 9457); its `type` leads here, its `detail` says what was wrong with this very request. Below `/o/` errors have the form of OAuth (RFC 6749 §5.2).',
      )}
      <ul class="index">
        ${codes.map(
          (code) =>
            html`<li>
              <span class="method">${STATUSES[code][0]}</span> <a href="#${code}"><code>${code}</code></a>
              <span class="faint">${STATUSES[code][1]}</span>
            </li>`,
        )}
      </ul>
      ${codes.map(article)}`,
  );
}

function article(code: ErrorCode): Html {
  const [status, title] = STATUSES[code];
  const { meaning, remedy } = errorGuide[code];
  return html`<article id="${code}">
    <h3>${title}</h3>
    <p class="endpoint"><span class="method">${status}</span> <code>${code}</code></p>
    ${prose(meaning)}
    <h4>What to do</h4>
    ${prose(remedy)}
    <h4>Example</h4>
    <pre><code>${JSON.stringify(exampleProblem(code), undefined, 2)}</code></pre>
  </article>`;
}
