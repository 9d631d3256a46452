import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Clock } from "../../../handlers/lib/core/ports.ts";
import { main } from "../../../scripts/cli/fleet.ts";
import type { Context } from "../../../scripts/cli/lib/context.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { withinRights } from "./operator-rights.ts";

/** How a call of `fleet` ended. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a call of `fleet` is given. */
export interface Given {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly stdin?: string;
  /** Left out: one that costs no time. */
  readonly clock?: Clock;
  /** Width of the terminal. Left out: there is none. */
  readonly columns?: number;
  /** What a person types at each prompt. Left out: nobody is there. */
  readonly typed?: readonly string[];
  readonly synthesize?: Context["synthesize"];
}

/** Calls `fleet` in this process, on a clock that costs no time. See {@link withinRights}: it throws. */
export async function fleet(
  args: readonly string[],
  { env = {}, cwd = "/", stdin = "", clock = createFakeClock(), columns, typed, synthesize }: Given = {},
): Promise<Outcome> {
  let stdout = "";
  let stderr = "";
  const answers = [...(typed ?? [])];
  const context: Parameters<typeof main>[1] = {
    env,
    cwd,
    clock,
    ...(synthesize && { synthesize }),
    terminal: {
      stdout: { write: (text) => (stdout += text) },
      stderr: { write: (text) => (stderr += text) },
      stdin: (async function* () {
        yield stdin;
      })(),
      interactive: false,
      columns: columns === undefined ? undefined : () => columns,
      errorColumns: columns === undefined ? undefined : () => columns,
      askHidden:
        typed &&
        ((message) => {
          stderr += `? ${message}\n`;
          return Promise.resolve(answers.shift() ?? "");
        }),
      prompts: typed && {
        async text(message, check) {
          for (;;) {
            stderr += `? ${message}\n`;
            const answer = answers.shift();
            if (answer === undefined) throw new Error(`nobody typed an answer to: ${message}`);
            const trouble = check(answer);
            if (trouble === undefined) return answer;
            stderr += `! ${trouble}\n`;
          }
        },
        async choose(message, choices) {
          stderr += `? ${message}\n`;
          const answer = answers.shift();
          if (!choices.some(({ value }) => value === answer)) throw new Error(`${answer} is no answer to: ${message}`);
          return answer ?? "";
        },
      },
    },
  };
  const code = await withinRights(args, () => main(args, context));
  return { code, stdout, stderr };
}

/** Calls `fleet` as users do: a process of its own, with nothing of this one's environment but PATH. */
export async function fleetProcess(
  args: readonly string[],
  { env = {}, cwd, stdin = "" }: Given = {},
): Promise<Outcome> {
  const script = fileURLToPath(new URL("../../../scripts/cli/fleet.js", import.meta.url));
  const child = spawn(process.execPath, [script, ...args], { env: { PATH: process.env.PATH, ...env }, cwd });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => (stdout += chunk));
  child.stderr.on("data", (chunk) => (stderr += chunk));
  child.stdin.end(stdin);
  const [code] = await once(child, "close");
  return { code, stdout, stderr };
}
