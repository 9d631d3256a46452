/**
 * Behaves like the upstream agent as far as its entry point can tell: finishes its job on the first signal, drops it on the
 * second, leaves after its job when single-use. What happens to it goes to stdout, one JSON object a line.
 *
 * The environment variable STAND_IN holds its part as JSON:
 * `jobUntil` a job from the start on, until that file exists, `leaveMs` time to leave, `says` lines that it writes, each
 * with its time in ms, `exitCode`, `endsAfterMs` ends by itself, `dieBy` ends by that signal instead, `ignores` signals.
 */
import { existsSync, writeSync } from "node:fs";

const part = { leaveMs: 0, exitCode: 0, ...JSON.parse(process.env.STAND_IN ?? "{}") };
let busy = part.jobUntil !== undefined;
let signals = 0;

function record(event, details) {
  writeSync(1, `${JSON.stringify({ event, ...details })}\n`);
}

function end() {
  if (part.dieBy) process.kill(process.pid, part.dieBy);
  else process.exit(part.exitCode);
}

function leave() {
  setTimeout(end, part.leaveMs);
}

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGCONT"]) {
  process.on(signal, () => {
    signals += 1;
    record("signal", { signal });
    if (part.ignores) return;
    if (signals > 1) {
      record("dropped");
      process.exit(1);
    }
    if (!busy) leave();
  });
}

// Its part may hold lines that mean something to the reader of its log.
const { STAND_IN, ...env } = process.env;
record("started", { pid: process.pid, env, args: process.argv.slice(2) });

for (const [after, line] of part.says ?? []) setTimeout(() => writeSync(2, `${line}\n`), after);

if (busy) {
  const look = setInterval(() => {
    if (!existsSync(part.jobUntil)) return;
    clearInterval(look);
    busy = false;
    record("job done");
    if (signals > 0 || process.env.TFC_AGENT_SINGLE === "true") leave();
  }, 10);
}
if (part.endsAfterMs !== undefined) setTimeout(end, part.endsAfterMs);
// Outlives no test run that broke off.
setTimeout(() => process.exit(99), 600_000);
