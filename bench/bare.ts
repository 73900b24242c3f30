import Koa from 'koa';
import { koaBody } from 'koa-body';

/** The least that a Koa service can do with a JSON body: parse it, and store nothing. Prints its port. */
const app = new Koa();
app.use(koaBody());
app.use((context) => {
  context.status = 201;
  context.body = { accepted: 1 };
});
const server = app.listen(Number(process.argv[2]), '127.0.0.1');
process.once('SIGTERM', () => server.close());
