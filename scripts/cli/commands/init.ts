import { relative } from "node:path";
import { type Command, Option } from "commander";
import { buildsImage } from "../../../stacks/config/compute/image-build.ts";
import { ConfigError } from "../../../stacks/config/errors.ts";
import { type LoadedStack, loadStack, loadStacks } from "../../../stacks/config/load.ts";
import { wrapped } from "../../../stacks/config/reading/wrap.ts";
import { receiverWarnings } from "../../../stacks/config/receivers.ts";
import { explainReferences, referencesOf } from "../../../stacks/config/references.ts";
import { renderStarter } from "../../../stacks/config/starter.ts";
import { askStack, askStarter, backends, kinds, networks, onCluster, vendorNames } from "../init/answers.ts";
import { copySchema, isIn, type Place, placeOf, schemaFor, writeChecked } from "../init/place.ts";
import { questionsOf } from "../init/questions.ts";
import { type Context, uiOf } from "../lib/context.ts";
import { UserError } from "../lib/errors.ts";

interface Options {
  readonly folder?: string;
  readonly force?: boolean;
}

const examples = `
Examples:
  fleet init
  fleet init ci-agents --vendor hcp-terraform --organization acme --pool aws --region us-west-2 \\
    --network create --backend local --emails ci@example.com
  fleet init ado-agents --vendor azure-devops --organization acme --pool aws --region eu-west-1 \\
    --network subnets --vpc vpc-0123456789abcdef0 --subnets subnet-0123456789abcdef0 \\
    --backend s3 --bucket acme-state
  fleet init shared --kind network --region eu-west-1 --backend local
  fleet init workers --vendor spacelift --url https://acme.app.spacelift.io --pool 01HCC6QZ932J7WDF4FTVM9QMEP \\
    --api-key-id 01HCC6R1B6W5TZ1Y2X3V4N5M6P --region eu-west-1 --network stack --network-stack shared \\
    --backend cloud --state-organization acme
  fleet init hosts --kind ecs-cluster --region eu-west-1 --network stack --network-stack shared \\
    --backend local --emails ci@example.com
  fleet init ci-on-hosts --vendor hcp-terraform --organization acme --pool aws-hosts --region eu-west-1 \\
    --network cluster --cluster-stack hosts --backend local
  fleet init ci-jobs --vendor semaphore --organization acme --region us-west-2 --network create --backend local`;

const valuesOf = (choices: readonly { readonly value: string }[]) => choices.map(({ value }) => value);

/** `fleet init`. */
export function addInitCommand(program: Command, context: Context): void {
  program
    .command("init")
    .summary("write the config of a new fleet, network or cluster")
    .description(
      "Writes a small config for a new fleet, a network that stacks share or an ECS cluster, and checks it. Asks for what " +
        "no flag gives. Where nobody can answer, it fails and names the missing flags. Changes no file that is there, and " +
        "nothing in AWS.",
    )
    .argument("[stack]", "name of the new stack: its config file without .yaml")
    .addOption(new Option("--kind <kind>", "what to make (default: fleet)").choices(valuesOf(kinds)))
    .addOption(new Option("--vendor <vendor>", "the CI/IaC system").choices(vendorNames))
    .option("--organization <name>", "the organization at the vendor; not with spacelift")
    .option("--url <url>", "the address of the Spacelift account, or of your own installation of another vendor")
    .option("--pool <pool>", "the agent pool's name; with spacelift the worker pool's id; not with semaphore")
    .option("--api-key-id <id>", "with spacelift: the API key that reads and drains the pool")
    .option("--region <region>", "the AWS region")
    .addOption(new Option("--network <kind>", "where agents or hosts run").choices(valuesOf([...networks, onCluster])))
    .option("--vpc <id>", "with --network subnets: the VPC")
    .option("--subnets <ids>", "with --network subnets: the subnets, with commas between them")
    .option("--public-subnets", "with --network subnets: they are public, so agents need a public IP")
    .option("--network-stack <stack>", "with --network stack: the stack of kind network")
    .option(
      "--cluster-stack <stack>",
      "with --network cluster (tasks in place of Fargate): the stack of kind ecs-cluster",
    )
    .addOption(new Option("--backend <kind>", "where Terraform keeps the state").choices(valuesOf(backends)))
    .option("--bucket <name>", "with --backend s3: the bucket")
    .option("--state-organization <name>", "with --backend cloud: the organization of the workspace")
    .option("--state-workspace <name>", "with --backend cloud: the workspace (default: the stack's name)")
    .option("--state-host <host>", "with --backend cloud: the host of a Terraform Enterprise")
    .option("--emails <addresses>", "who gets the alarms, with commas between them")
    .option("--folder <folder>", "where to write (default: AGENT_FLEETS_CONFIG, else config)")
    .option("--force", "replace the stack's config if there is one")
    .addHelpText("after", examples)
    .action((stack: string | undefined, options: Options, command: Command) => init(context, stack, options, command));
}

async function init(
  context: Context,
  named: string | undefined,
  { folder, force = false, ...flags }: Options,
  command: Command,
): Promise<void> {
  const ui = uiOf(context, command);
  const questions = questionsOf(givenOf(named, flags), context.terminal.prompts);
  const stack = await askStack(questions);
  const place = placeOf(context, stack, folder, force);
  const answers = await askStarter(questions, stack, (name) => name !== stack && isIn(place, name));
  const schema = schemaFor(place);
  const { config, warnings } = writeChecked(place, renderStarter(answers, schema.path), force, () =>
    loadNew(context, place, stack),
  );
  if (!copySchema(schema, force)) {
    ui.note(
      `${schema.path} is of another version of agent-fleets and stays. To renew it, copy config/schema.json over it.`,
    );
  }
  for (const warning of warnings) ui.note(`warning: ${warning}`);
  const file = relative(context.cwd, place.file);
  const next = nextCommands(stack, config, place);
  ui.result(
    { stack, file, schema: schema.path, warnings, next },
    [`${file} is written and valid. Read it, then run:`, ...next.map((each) => `  ${each}`), ...hintsOn(config, stack)]
      .flatMap((line) => wrapped(line, context.terminal.columns?.()))
      .join("\n"),
  );
}

/** The flags that were given, by their names. */
function givenOf(stack: string | undefined, flags: object): ReadonlyMap<string, string> {
  const named = Object.entries(flags).map(([key, value]): [string, string] => [
    `--${key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
    value === true ? "yes" : String(value),
  ]);
  return new Map(stack === undefined ? named : [["<stack>", stack], ...named]);
}

/** Reads the new config as every command does. Errors of its neighbours do not matter, but for those that it names. */
function loadNew(
  context: Context,
  place: Place,
  stack: string,
): LoadedStack & { readonly warnings: readonly string[] } {
  const reading = (path: string) => ({ cwd: context.cwd, env: { AGENT_FLEETS_CONFIG: path } });
  try {
    const { stacks, warnings } = loadStacks(reading(place.file));
    const [loaded] = stacks;
    if (!loaded) throw new Error(`the loader found no stack ${stack}`);
    const neighbours = referencesOf(loaded.config)
      .filter(({ elsewhere }) => !elsewhere)
      .map((reference) => loadStack(reference.stack, reading(place.folder)));
    const names = neighbours.map(({ name }) => name);
    const wrong = explainReferences(loaded.config, neighbours, names);
    if (wrong.length > 0) throw new ConfigError(wrong.map(({ path, message }) => `${path.join(".")} ${message}`));
    return { ...loaded, warnings: [...warnings, ...receiverWarnings([loaded])] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new UserError(`These answers make no valid config:\n${error.message}`, "No config was written.");
  }
}

function nextCommands(stack: string, config: LoadedStack["config"], { setting }: Place): string[] {
  const quoted = setting && (/^[\w./-]+$/.test(setting) ? setting : `'${setting.replaceAll("'", `'\\''`)}'`);
  const fleet = `${quoted ? `AGENT_FLEETS_CONFIG=${quoted} ` : ""}npm run fleet --`;
  const image = config.kind === "ecs-fleet" && buildsImage(config) ? ["image build"] : [];
  const secrets = "vendor" in config ? ["secret list"] : [];
  const commands = ["check", "deploy", ...image, ...secrets];
  return commands.map((each) => `${fleet} ${each} ${stack}`);
}

/** What people look for next, and where it is. */
function hintsOn(config: LoadedStack["config"], stack: string): string[] {
  return [...hintsOnKind(config, stack), ...hintsOnOthers(config)];
}

/** Stacks that the config names and that are not in its folder. */
function hintsOnOthers(config: LoadedStack["config"]): string[] {
  const network = "network" in config ? config.network : undefined;
  const hosts = config.kind === "ecs-fleet" ? config.compute.capacityProvider : undefined;
  const others = [
    { key: "network", kind: "network", reference: network },
    { key: "compute.capacityProvider", kind: "ecs-cluster", reference: hosts },
  ];
  return others.flatMap(({ key, kind, reference }) => {
    if (typeof reference !== "object" || !("elsewhere" in reference) || !reference.elsewhere) return [];
    return [
      `${reference.stack} is not in this folder, so ${key}.elsewhere is set. To make it here, take that key away, and run: ` +
        `npm run fleet -- init ${reference.stack} --kind ${kind}`,
    ];
  });
}

function hintsOnKind(config: LoadedStack["config"], stack: string): string[] {
  switch (config.kind) {
    case "network":
      return ["A fleet in this network:", `  npm run fleet -- init ci-agents --network stack --network-stack ${stack}`];
    case "ecs-cluster":
      return [
        "Services on it: config/cluster-services.yaml is an example.",
        "Agents on its hosts:",
        `  npm run fleet -- init ci-agents --network cluster --cluster-stack ${stack}`,
      ];
    case "ecs-fleet":
      if (typeof config.compute.capacityProvider === "object") return [];
      return [
        "Agents on EC2 hosts of your own in place of Fargate need a cluster: npm run fleet -- init hosts --kind ecs-cluster",
        "Then write compute: { capacityProvider: { stack: hosts } } in place of network.",
      ];
    default:
      return [];
  }
}
