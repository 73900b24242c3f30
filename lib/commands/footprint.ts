import { setFlagsFromString } from 'node:v8';

/**
 * How V8's young generation grows beyond its first megabyte. The service needs all of its 32 at once, for the requests
 * under way; the agent none, for it makes little garbage, which would only fill them up before anybody looks for it: 20 MB
 * more. It has to be said before what it would grow by is loaded, so `cli.ts` imports this file first.
 */
const GROWTH: Readonly<Record<string, number>> = { serve: 32, agent: 1 };

const growth = GROWTH[process.argv[2] ?? ''];
if (growth !== undefined) setFlagsFromString(`--semi-space-growth-factor=${growth}`);
