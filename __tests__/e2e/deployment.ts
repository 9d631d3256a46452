import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { type Moto, startMoto } from "../fakes/moto.ts";
import { type AwsFront, startAwsFront } from "./aws-front.ts";
import { listAll } from "./aws-listings.ts";
import { publicImages } from "./existing.ts";
import { cdktfProgram, mustRun, terraformEnvironment } from "./toolchain.ts";

/** The prefix of every secret in these suites, so that one search finds them all. */
export const canary = "canary-";

/** The account of the deployments: the one in the ARNs of the shipped configs. */
const account = "111122223333";

/** Stacks on an emulator of AWS, in their own folder. */
export interface Deployment {
  readonly folder: string;
  readonly configFolder: string;
  readonly moto: Moto;
  readonly front: AwsFront;
  /** For `terraform` in a stack's folder. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The output of `cdktf`. */
  readonly logs: readonly string[];
  /** Names of the stacks, one per config. */
  readonly stacks: readonly string[];
  stackFolder(stack: string): string;
  stateFile(stack: string): string;
  /** `cdktf deploy` of all stacks. */
  deploy(): Promise<void>;
  /** `cdktf destroy` of all stacks. */
  destroy(): Promise<void>;
  /** The existing resources by stack: the addresses in Terraform's state, and the kinds that AWS lists. */
  whatExists(): Promise<Readonly<Record<string, Existing>>>;
  /** The files of the stacks and the states that contain a text, except providers and their settings. */
  filesWith(text: string): string[];
  close(): Promise<void>;
}

/** The existing resources of a stack. */
interface Existing {
  readonly remembered: readonly string[];
  readonly listed: readonly string[];
}

const state = z.object({ resources: z.array(z.object({ mode: z.string(), type: z.string(), name: z.string() })) });
const stackJson = z.object({ provider: z.object({ aws: z.tuple([z.object({ region: z.string() })]) }) });

/** Starts the emulator and writes the configs, given as text by the stack's name. `variables` are Terraform's. */
export async function prepareDeployment(
  configs: Readonly<Record<string, string>>,
  variables: Readonly<Record<string, string>>,
): Promise<Deployment> {
  const folder = mkdtempSync(join(tmpdir(), "agent-fleets-"));
  const output = join(folder, "out");
  const states = join(folder, "state");
  const configFolder = join(folder, "config");
  mkdirSync(configFolder);
  for (const [stack, text] of Object.entries(configs)) writeFileSync(join(configFolder, `${stack}.yaml`), text);

  const images = join(folder, "images.json");
  writeFileSync(images, JSON.stringify(publicImages));

  const moto = await startMoto({
    MOTO_IAM_LOAD_MANAGED_POLICIES: "true",
    MOTO_ACCOUNT_ID: account,
    MOTO_AMIS_PATH: images,
  });
  await keepTasksRunning(moto);
  const front = await startAwsFront(moto.url, [canary]);
  const env = terraformEnvironment(folder, {
    AGENT_FLEETS_CONFIG: configFolder,
    AWS_ENDPOINT_URL: front.url,
    ...Object.fromEntries(Object.entries(variables).map(([name, value]) => [`TF_VAR_${name}`, value])),
  });
  const logs: string[] = [];
  const stacks = Object.keys(configs);

  async function cdktf(command: "deploy" | "destroy"): Promise<string> {
    const app = ["--app", "node scripts/synth.js __tests__/e2e/app.ts", "--output", output];
    const args = [command, ...stacks, "--auto-approve", "--skip-provider-lock", ...app];
    // No refresh: the state is fresh from the deployment, and a refresh would take as long as the destroy itself.
    const quick = { ...env, TF_CLI_ARGS_destroy: "-refresh=false" };
    const outcome = await mustRun(cdktfProgram, args, { env: quick, timeoutSeconds: 3600 });
    logs.push(outcome.output);
    return outcome.output;
  }

  const deployment: Deployment = {
    folder,
    configFolder,
    moto,
    front,
    env,
    logs,
    stacks,
    stackFolder: (stack) => join(output, "stacks", stack),
    stateFile: (stack) => join(states, `terraform.${stack}.tfstate`),
    async deploy() {
      const written = await cdktf("deploy");
      for (const [, leftOut] of written.matchAll(/e2e: (.*)/g)) process.stderr.write(`NOT DEPLOYED: ${leftOut}\n`);
    },
    async destroy() {
      await cdktf("destroy");
    },
    async whatExists() {
      const regions = new Map(stacks.map((stack) => [stack, regionOf(deployment.stackFolder(stack))]));
      const lists = new Map<string, Awaited<ReturnType<typeof listAll>>>();
      for (const region of new Set(regions.values())) lists.set(region, await listAll(moto.url, region));
      const entries = stacks.map((stack): [string, Existing] => {
        const { resources } = state.parse(JSON.parse(readFileSync(deployment.stateFile(stack), "utf8")));
        const managed = resources.filter(({ mode }) => mode === "managed");
        const kinds = Object.entries(lists.get(regions.get(stack) ?? "") ?? {});
        return [
          stack,
          {
            remembered: managed.map(({ type, name }) => `${type}.${name}`),
            listed: kinds.filter(([, list]) => list.includes(stack)).map(([kind]) => kind),
          },
        ];
      });
      return Object.fromEntries(entries);
    },
    filesWith(text) {
      return [output, states]
        .flatMap((path) => readdirSync(path, { recursive: true, withFileTypes: true }))
        .filter((entry) => entry.isFile() && !entry.parentPath.includes(".terraform"))
        .map((entry) => join(entry.parentPath, entry.name))
        .filter((file) => readFileSync(file).includes(text));
    },
    async close() {
      await front.close();
      await moto.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return deployment;
}

function regionOf(stackFolder: string): string {
  const json = JSON.parse(readFileSync(join(stackFolder, "cdk.tf.json"), "utf8"));
  return stackJson.parse(json).provider.aws[0].region;
}

/** Nothing of any stack is left. */
export function nothingOf(stacks: readonly string[]): Readonly<Record<string, Existing>> {
  return Object.fromEntries(stacks.map((stack) => [stack, { remembered: [], listed: [] }]));
}

/** Without this setting moto ends a task after a few reads. */
async function keepTasksRunning(moto: Moto): Promise<void> {
  const response = await fetch(`${moto.url}/moto-api/state-manager/set-transition`, {
    method: "POST",
    body: JSON.stringify({ model_name: "ecs::task", transition: { progression: "manual", times: 1_000_000 } }),
  });
  if (!response.ok) throw new Error(`moto answered ${response.status}`);
}
