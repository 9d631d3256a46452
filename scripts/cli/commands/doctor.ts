import type { Command } from "commander";
import { loadStack } from "../../../stacks/config/load.ts";
import { type Context, uiOf } from "../lib/context.ts";
import { Ended } from "../lib/errors.ts";

const help = `
Examples:
  fleet doctor ci-agents
  fleet --json doctor ci-agents

Exit codes:
  0  no errors, although there may be warnings
  1  at least one error, or the command itself failed (then it prints no findings)
  3  no errors, but some part could not be looked at

docs/operating.md lists the diagnoses.`;

const exitCodes = { error: 1, unknown: 3 };

/** `fleet doctor`. */
export function addDoctorCommand(program: Command, context: Context): void {
  program
    .command("doctor")
    .summary("say what is wrong with a fleet, and what to do")
    .description(
      "Looks for all that keeps jobs waiting, agents from coming and agents from leaving. Each finding has its severity, " +
        "its evidence and what to do. A part that cannot be looked at is a finding, too. Reads only, and needs no token of " +
        "the vendor.",
    )
    .argument("<stack>", "name of the stack: its config file without .yaml")
    .addHelpText("after", help)
    .action((name: string, _options: object, command: Command) => examine(context, name, command));
}

async function examine(context: Context, name: string, command: Command): Promise<void> {
  const ui = uiOf(context, command);
  // Imported only here, because loading the AWS SDK takes a quarter of a second.
  const desk = await import("../desk/index.ts");
  const stack = desk.fleetOf(loadStack(name, context));
  const clients = desk.deskClientsIn(stack.config.region, context.env);
  const findings = await ui.during(`Looking at ${name}`, async () =>
    desk.diagnose(await desk.readPicture(stack, clients, context.clock), clients),
  );
  const errors = findings.filter(({ severity }) => severity === "error").length;
  const unknown = findings.filter(({ severity }) => severity === "unknown").length;
  ui.result(
    {
      stack: name,
      healthy: errors + unknown === 0,
      findings: findings.map(({ machines: _, section, ...finding }) => ({
        ...finding,
        runbook: section ? `docs/runbook.md#${section}` : null,
      })),
    },
    desk.findingsText(name, findings, context.terminal.columns?.() ?? 100),
  );
  if (errors > 0) throw new Ended(exitCodes.error);
  if (unknown > 0) throw new Ended(exitCodes.unknown);
}
