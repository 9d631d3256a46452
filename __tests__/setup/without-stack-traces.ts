/**
 * CDKTF records a stack trace for every token that it makes. Only its own error messages show them, and they cost 40 % of
 * a synth. The tests that synthesize do without. `__tests__/main` and `__tests__/e2e` run the app as it is.
 */
import { createRequire } from "node:module";

const stackTraces: { captureStackTrace: () => string[] } = createRequire(import.meta.url)(
  "cdktf/lib/tokens/private/stack-trace",
);
stackTraces.captureStackTrace = () => [];
