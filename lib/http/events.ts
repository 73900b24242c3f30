import type { RouterInstance } from '@koa/router';
import { readerUntil } from '../abortable.js';
import type { AggregationQuery } from '../aggregation.js';
import { type Page, answer } from '../answer.js';
import { TrackingError } from '../errors.js';
import type { Reader } from '../store.js';
import { type Question, readQuestion } from './aggregation-query.js';
import { grantOf, requireScope } from './authenticate.js';
import type { Context, Middleware, RequestState } from './context.js';
import { csv } from './formats/csv.js';
import type { Format, Shape } from './formats/format.js';
import { json, lines } from './formats/json.js';
import { segment } from './path.js';
import { streamRows } from './stream-rows.js';
import { visibleStore } from './visible-store.js';

export const FORMATS: Readonly<Record<string, Format>> = {
  'application/json': json,
  'text/csv': csv,
  'application/x-ndjson': lines,
};

/** `GET /api/events/{namespace}/{name}`: aggregates out, or the events themselves (`api.md`, Aggregation). */
export function routeEvents(router: RouterInstance<RequestState>, authenticate: Middleware, store: Reader): void {
  router.get('/api/events/:namespace/:name', authenticate, requireScope('aggregation'), answerQuestion(store));
}

function answerQuestion(store: Reader): Middleware {
  return async function answerQuestion(ctx) {
    const question = readQuestion(segment(ctx, 0), segment(ctx, 1), ctx.querystring);
    const format = chooseFormat(ctx);
    const visible = readerUntil(visibleStore(store, grantOf(ctx)), clientGone(ctx));
    const page = await answer(visible, question.query);
    const shape = await shapeOf(visible, question.query, format);
    const body = await streamRows(page.rows, format.write(shape));
    linkNext(ctx, page, question);
    ctx.vary('Accept');
    ctx.set('Content-Type', format.contentType);
    ctx.status = 200;
    if (ctx.method === 'HEAD') body.destroy();
    else ctx.body = body;
  };
}

/** Aborts when the connection ends: a question whose client hung up is not worth finishing. */
function clientGone({ res }: Context): AbortSignal {
  const gone = new AbortController();
  res.once('close', () => {
    gone.abort();
  });
  return gone.signal;
}

function chooseFormat(ctx: Context): Format {
  const types = Object.keys(FORMATS);
  const type = ctx.accepts(types);
  const format = typeof type === 'string' ? FORMATS[type] : undefined;
  if (format !== undefined) return format;
  throw new TrackingError('not-acceptable', `Answers come as ${types.join(', ')}; Accept names none of them.`);
}

async function shapeOf(store: Reader, query: AggregationQuery, format: Format): Promise<Shape> {
  const { selection, granularity, aggregations, groupBy } = query;
  if (granularity !== 'none') return { aggregations, groupBy, tagKeys: [] };
  const names = format.hasColumns ? await store.names(selection.namespace) : [];
  const tagKeys = names.find(({ name }) => name === selection.name)?.tagKeys ?? [];
  return { aggregations: [], groupBy: undefined, tagKeys };
}

/** The address of the next page, relative to this one's (RFC 8288); relative times became fixed ones in it. */
function linkNext(ctx: Context, { next }: Page, { parameters }: Question): void {
  if (next === undefined) return;
  const query = [...parameters.filter(([key]) => key !== 'cursor'), ['cursor', next] as const]
    .map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`)
    .join('&');
  ctx.set('Link', `<?${query}>; rel="next"`);
}
