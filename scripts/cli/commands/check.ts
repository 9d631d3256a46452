import type { Command } from "commander";
import { quotaWarnings } from "../../../stacks/config/account-quotas.ts";
import { type LoadedStack, loadStack, loadStacks } from "../../../stacks/config/load.ts";
import { packageFindings, terraformFindings } from "../check/tools.ts";
import type { Finding } from "../desk/doctor/finding.ts";
import { findingsText } from "../desk/doctor/text.ts";
import { labelled } from "../desk/words.ts";
import { type Context, uiOf } from "../lib/context.ts";
import { Ended } from "../lib/errors.ts";
import { withSynthesized } from "../lib/synthesized-config.ts";
import { readTerraformStack } from "../lib/terraform-json.ts";

interface Options {
  readonly offline?: true;
  readonly terraform?: string;
}

/** The findings about one thing: this machine, an account in a region, or a stack. */
interface Group {
  readonly title: string;
  readonly findings: readonly Finding[];
  readonly notes: readonly string[];
}

const help = `
Examples:
  fleet check                        all stacks of the folder
  fleet check ci-agents
  fleet check ci-agents --offline    without account, vendor and network

The vendor is asked with the token in the stack's own secret. Before the first
deploy there is none: then it comes from the environment variable TOKEN (HCP
Terraform), ADO_PAT (Azure DevOps, or the application's secret),
SPACELIFT_API_KEY_SECRET or SEMAPHORE_AGENT_TYPE_TOKEN. No value is shown.

Exit codes:
  0  no errors; there may be warnings, or parts that nobody could look at
  1  at least one error

docs/before-the-first-deploy.md lists the findings and the rights that it needs.`;

/** `fleet check`. */
export function addCheckCommand(program: Command, context: Context): void {
  program
    .command("check")
    .summary("say before a deploy what would go wrong")
    .description(
      "Checks configs, programs, quotas, subnets, secrets, the vendor's pool and token, images, instance types and the " +
        "webhook. Each finding has its severity, its evidence and what to do. A part that cannot be looked at is a finding, " +
        "too. Reads only, apart from an unsigned message to the webhook, which must refuse it.",
    )
    .argument("[stack...]", "names of stacks; left out: all of the folder")
    .option("--offline", "only what needs no account and no vendor")
    .option("--terraform <program>", "terraform, tofu or a path (default: TERRAFORM_BINARY_NAME, else what PATH has)")
    .addHelpText("after", help)
    .action((names: string[], options: Options, command: Command) => check(context, names, options, command));
}

async function check(context: Context, names: readonly string[], options: Options, command: Command): Promise<void> {
  const ui = uiOf(context, command);
  const stacks = load(context, names);
  const groups = await ui.during(`Checking ${stacks.map(({ name }) => name).join(", ")}`, (step) =>
    withSynthesized(
      context,
      stacks.map(({ name }) => name),
      async (synthesized, warnings) => {
        const subjects = stacks.flatMap((stack) => {
          const found = synthesized.find(({ name }) => name === stack.name);
          return found ? [{ stack, made: readTerraformStack(found) }] : [];
        });
        const required = subjects.map(({ made }) => made.requiredTerraform).find(Boolean) ?? ">= 1.11.0";
        const here: Group = {
          title: "this machine and the configs",
          findings: [
            ...packageFindings(),
            ...(await terraformFindings(context, required, options.terraform)),
            ...warnings.map(configWarning),
            ...(options.offline ? quotaWarnings(stacks, context.env).map(quotaWarning) : []),
          ],
          notes: options.offline ? ["The account and the vendor: --offline is given."] : [],
        };
        if (options.offline) return [here];
        return [here, ...(await ask(context, subjects, step))];
      },
    ),
  );
  const findings = groups.flatMap((group) => group.findings);
  const count = (severity: Finding["severity"]) => findings.filter((each) => each.severity === severity).length;
  ui.result(
    {
      ok: count("error") === 0,
      complete: count("unknown") === 0 && !options.offline,
      errors: count("error"),
      warnings: count("warning"),
      unknown: count("unknown"),
      checked: groups.map(({ title, findings: own, notes }) => ({
        title,
        findings: own.map(({ machines: _, section, ...finding }) => ({
          ...finding,
          runbook: section ? `docs/runbook.md#${section}` : null,
        })),
        not_known_before_a_deploy: notes,
      })),
    },
    groups.map((group) => textOf(group, context.terminal.columns?.() ?? 100)).join("\n\n"),
  );
  if (count("error") > 0) throw new Ended(1);
}

function load(context: Context, names: readonly string[]): readonly LoadedStack[] {
  return names.length === 0 ? loadStacks(context).stacks : [...new Set(names)].map((name) => loadStack(name, context));
}

async function ask(
  context: Context,
  subjects: readonly { readonly stack: LoadedStack; readonly made: ReturnType<typeof readTerraformStack> }[],
  step: (message: string) => void,
): Promise<readonly Group[]> {
  // Imported only here, because loading the AWS SDK takes a quarter of a second.
  const { checkClientsIn, checkRegion, checkStack } = await import("../check/index.ts");
  const groups: Group[] = [];
  for (const region of new Set(subjects.map(({ stack }) => stack.config.region))) {
    const mine = subjects.filter(({ stack }) => stack.config.region === region);
    const deps = { context, clients: checkClientsIn(region, context.env), knock };
    step(`Asking AWS in ${region} for the account and its quotas`);
    const { account, findings } = await checkRegion(region, mine, deps);
    groups.push({ title: `the account${account ? ` ${account}` : ""} in ${region}`, findings, notes: [] });
    if (account === undefined) continue;
    for (const subject of mine) {
      const { name } = subject.stack;
      groups.push({ title: name, ...(await checkStack(subject, deps, (part) => step(`${name}: ${part}`))) });
    }
  }
  return groups;
}

const knockMilliseconds = 10_000;

/** An unsigned message, as a stranger sends it. */
async function knock(url: string): Promise<number> {
  const signal = AbortSignal.timeout(knockMilliseconds);
  const headers = { "content-type": "application/json" };
  const { status } = await fetch(url, { method: "POST", body: "{}", headers, redirect: "manual", signal });
  return status;
}

function configWarning(line: string): Finding {
  return {
    id: "config-warning",
    severity: "warning",
    what: "A setting is allowed, but most likely it is a mistake or for trials only.",
    evidence: [line],
    todo: "Change it, or leave it if you mean it.",
  };
}

function quotaWarning(text: string): Finding {
  const [, ...lines] = text.split("\n").map((line) => line.trim());
  return {
    id: "quota-of-a-new-account",
    severity: "warning",
    what: "A new AWS account does not give these stacks all that they may ask for.",
    evidence: lines,
    todo: "Without --offline, fleet check compares with your account. docs/before-the-first-deploy.md says how to ask for more.",
  };
}

function textOf({ title, findings, notes }: Group, width: number): string {
  const calm = "nothing is wrong, as far as a look before a deploy shows.";
  const unknown = notes.flatMap((note, index) => labelled(index === 0 ? "Not checked:" : "", note, width, 13));
  return [findingsText(title, findings, width, calm), ...(notes.length > 0 ? ["", ...unknown] : [])].join("\n");
}
