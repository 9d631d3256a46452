import * as z from "zod";
import { firstOwn, type OwnVariables, ownVariableRules } from "../own-variables.ts";
import { baseUrl, bucketPattern, hostname, oneOf, secretArn, text, uniqueList, wholeNumber } from "../primitives.ts";
import { warning } from "../reading/explain.ts";
import { partitionOf } from "../regions.ts";
import { type Rule, withRules } from "../rules.ts";
import { byArn, ownKey, ownKeyRules } from "../secrets.ts";
import { webhook } from "../webhook.ts";
import { defineVendor } from "./definition.ts";
import { outboundFields, setup } from "./outbound.ts";

/** Variables that the stack sets itself, with the setting to use instead. */
const ownVariables: OwnVariables = {
  SPACELIFT_TOKEN: "secrets.workerPoolToken",
  SPACELIFT_POOL_PRIVATE_KEY: "secrets.poolPrivateKey",
  SPACELIFT_WORKER_COMMS_PROTOCOL: "vendor.commsProtocol",
  SPACELIFT_WORKER_COMMS_URL: "vendor.commsUrl",
  SPACELIFT_METADATA_asg_id: "nothing, the fleet recognizes its workers by it",
  SPACELIFT_METADATA_instance_id: "nothing, the fleet recognizes its workers by it",
  SPACELIFT_METADATA_ami_id: "nothing, the boot sets it",
};

/** The worker's two secrets, by variable. A secret of the user may hold them in place of the stack's own. */
export const workerSecrets = {
  SPACELIFT_TOKEN: "workerPoolToken",
  SPACELIFT_POOL_PRIVATE_KEY: "poolPrivateKey",
} as const;

const variableName = text(
  /^(?!AGENT_FLEETS_|(?:_|IFS|UID|EUID|PPID|SHELLOPTS|BASHOPTS|BASH_VERSINFO)$)[A-Za-z_][A-Za-z0-9_]*$/,
  "the name of an environment variable that does not start with AGENT_FLEETS_ and that bash does not set itself, as UID",
);

const byoSecret = withRules(
  z.strictObject({
    arn: secretArn.describe("The secret; its value is a JSON object."),
    kmsKeyArn: ownKey,
    keys: uniqueList(variableName, 1).describe(
      "Keys of the JSON object that become variables of the same name. Other keys are ignored.",
    ),
  }),
  ownKeyRules,
);

const selfHosted = z.strictObject({
  launcherS3Uri: text(
    new RegExp(`^s3://${bucketPattern}/[\\w!.()/-]+$`),
    "the S3 URI of an object, such as s3://spacelift-binaries-123ab/spacelift-launcher",
  ).describe("The launcher of your installation. Instances may read exactly this object."),
  runLauncherAsSpaceliftUser: z
    .boolean()
    .default(true)
    .describe("Whether the launcher runs as the user `spacelift` (UID 1983) rather than as root."),
});

const webhookEnabled = z
  .boolean()
  .default(false)
  .describe("Whether the fleet has a public endpoint for messages about runs, which wake the loop. Needs a paid plan.");

const schema = withRules(
  z.strictObject({
    type: z.literal("spacelift").describe("Spacelift, hosted by Spacelift or by you."),
    workerPoolId: text(
      /^[0-9A-HJKMNP-TV-Z]{26}$/,
      "the id of a worker pool: a ULID of 26 capital letters and digits, such as 01HCC6QZ932J7WDF4FTVM9QMEP",
    ).describe("The worker pool. One fleet per pool: Spacelift counts queued runs for the whole pool."),
    endpoint: baseUrl.describe("The account's URL, such as https://acme.app.spacelift.io; its /graphql is the API."),
    apiKeyId: text(/^[\w-]{1,128}$/, "the id of an API key").describe(
      "The API key that reads and drains the pool, with Space Reader and `Worker Pool: Drain worker`. Its secret: secrets.apiKeySecret.",
    ),
    domain: hostname
      .default("spacelift.io")
      .describe("Domain of the launcher's download (downloads.<domain>) and of the workers' reports (app.<domain>)."),
    commsProtocol: oneOf(["poll", "mqtt"])
      .default("poll")
      .describe("Protocol between workers and Spacelift. Spacelift ends support for MQTT at the end of 2026."),
    commsUrl: baseUrl
      .optional()
      .describe(
        "With `poll`: URL that workers report to, if it is not app.<domain>, as in FedRAMP. Left out with selfHosted: `endpoint`.",
      ),
    configuration: z
      .string({ error: "must be shell text" })
      .default("")
      .describe(
        "Shell text that the worker's user runs on each instance before the launcher starts. Not for secrets: it is readable in AWS.",
      ),
    secureEnvironment: z
      .record(variableName, byArn)
      .default({})
      .describe("More variables of the launcher. Each is the whole value of a secret or parameter of yours."),
    byo: z
      .strictObject({ secretsManager: byoSecret.describe("A secret that holds several variables.") })
      .optional()
      .describe("Your own secret, in place of those that the stack creates or besides them."),
    webhook: webhook(webhookEnabled).prefault({}).describe("The fleet's endpoint for Spacelift's webhooks."),
    selfHosted: selfHosted.optional().describe("Settings for a self-hosted Spacelift. Left out: Spacelift hosts it."),
    setup,
    ...outboundFields,
    powerOffOnError: z
      .boolean()
      .default(true)
      .describe("Whether an instance powers off and is replaced when its launcher ends. Set `false` only to debug."),
    powerOffDelaySeconds: wholeNumber(0, 3600)
      .default(15)
      .describe("How long an instance waits before it powers off, so that it can send its logs."),
  }),
  [
    {
      path: ["commsUrl"],
      reads: [["commsUrl"], ["commsProtocol"]],
      check: ({ commsUrl, commsProtocol }) =>
        commsUrl !== undefined && commsProtocol === "mqtt" ? "must be left out with mqtt" : undefined,
    },
    {
      path: ["byo", "secretsManager", "keys"],
      reads: [["byo"], ["secureEnvironment"]],
      check: ({ byo, secureEnvironment }) => {
        const both = byo?.secretsManager.keys.find((name) => Object.hasOwn(secureEnvironment, name));
        return both && `must not name ${both}: secureEnvironment sets it already`;
      },
    },
    {
      path: ["byo", "secretsManager", "keys"],
      reads: [["byo"]],
      check: ({ byo }) => {
        const others = byo?.secretsManager.keys.filter((name) => !Object.hasOwn(workerSecrets, name)) ?? [];
        const ours = firstOwn(ownVariables, others);
        return ours && `must not name ${ours}`;
      },
    },
    {
      path: ["configuration"],
      reads: [["configuration"]],
      check: ({ configuration }) => {
        const set = Object.keys(ownVariables).filter((name) => assigns(configuration, name));
        const ours = firstOwn(ownVariables, set);
        return ours && `must not set ${ours}`;
      },
    },
  ],
);

/** The value of `vendor` in a Spacelift fleet. */
export type SpaceliftConfig = z.output<typeof schema>;

/** Spacelift, hosted by Spacelift or by its users. */
export const spaceliftVendor = defineVendor({
  id: "spacelift",
  kind: "ec2-fleet",
  schema,
  starter: {
    url: { key: "endpoint", asks: "URL of the account, such as https://acme.app.spacelift.io" },
    pool: { key: "workerPoolId", asks: "Worker pool, by its id" },
    apiKeyId: { key: "apiKeyId", asks: "Id of the API key that reads and drains the pool" },
  },
  asksInstances: false,
  readsOwnTags: false,
  severalPools: false,
  secrets: {
    workerPoolToken: {
      name: "worker-pool-token",
      description: "The worker pool's token (SPACELIFT_TOKEN).",
      variable: "worker_pool_config",
      severalLines: true,
    },
    poolPrivateKey: {
      name: "pool-private-key",
      description: "The worker pool's private key, in base64.",
      variable: "worker_pool_private_key",
      severalLines: true,
      form: {
        fits: (value) => Buffer.from(value, "base64").toString("latin1").includes("PRIVATE KEY-----"),
        error: "This is not a private key in base64, which Spacelift's launcher requires.",
        hint: (command) => `Encode the key's file: base64 < spacelift.key | ${command}`,
      },
    },
    apiKeySecret: {
      name: "api-key-secret",
      description: "Secret of the API key that reads and drains the pool.",
      variable: "spacelift_api_key_secret",
    },
    webhookSecret: {
      name: "webhook-secret",
      description: "The HMAC key of Spacelift's webhook.",
      variable: "spacelift_webhook_secret",
      signs: true,
      previousCounts: true,
    },
  },
  rules: [
    {
      path: ["compute", "ami"],
      reads: [["region"], ["compute", "ami"]],
      check: ({ region, compute }) =>
        partitionOf(region) === "aws-cn" && !compute.ami
          ? "must be given: Spacelift publishes no image in China"
          : undefined,
    },
    {
      path: ["secrets", "webhookSecret"],
      reads: [["vendor", "webhook"], ["secrets"]],
      check: ({ vendor, secrets }) =>
        secrets.webhookSecret !== undefined && !vendor.webhook.enabled
          ? "must be left out unless vendor.webhook.enabled is true"
          : undefined,
    },
    ...Object.entries(workerSecrets).map(([name, key]) => brought(name, key)),
    ...ownVariableRules(ownVariables, ["vendor", "secureEnvironment"]),
  ],
  reaches: ({ selfHosted: own, endpoint }) => ({ address: own ? undefined : endpoint, agents: [], functions: [] }),
  warnings: ({ region, compute, vendor: { configuration } }) => [
    !compute.ami &&
      !imageRegions.has(region) &&
      partitionOf(region) !== "aws-cn" &&
      warning(
        ["compute", "ami"],
        `is left out, and Spacelift publishes no image in ${region} that this version knows of: give an AMI of yours, or ` +
          "copy Spacelift's",
      ),
    tracesCommands(configuration) &&
      warning(
        ["vendor", "configuration"],
        "has `set -x`, which writes every command and the values in it into the boot log in CloudWatch",
      ),
  ],
});

/**
 * Where Spacelift publishes its image: `ami_regions` in aws.pkr.hcl and in its workflow for GovCloud, of
 * https://github.com/spacelift-io/spacelift-worker-image.
 */
const imageRegions = new Set(
  [
    "ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-southeast-1 ap-southeast-2 ap-south-1 ca-central-1 eu-central-1",
    "eu-central-2 eu-west-1 eu-west-2 eu-west-3 eu-north-1 sa-east-1 us-east-1 us-east-2 us-west-1 us-west-2",
    "us-gov-east-1 us-gov-west-1",
  ].flatMap((line) => line.split(" ")),
);

/** A worker's secret has one source: the user's own secret or the stack's. */
function brought(
  name: string,
  key: "workerPoolToken" | "poolPrivateKey",
): Rule<{ readonly vendor: SpaceliftConfig; readonly secrets: { readonly [K in typeof key]?: unknown } }> {
  return {
    path: ["secrets", key],
    reads: [
      ["vendor", "byo"],
      ["secrets", key],
    ],
    check: ({ vendor, secrets }) =>
      secrets[key] && vendor.byo?.secretsManager.keys.includes(name)
        ? `must be left out: vendor.byo.secretsManager sets ${name}`
        : undefined,
  };
}

/** Whether shell text lets the shell print what it runs, judged by its text only. */
function tracesCommands(shell: string): boolean {
  const start = String.raw`(?:^|[;&|({!\x60'"]|\b(?:then|else|do|time|builtin|command|eval|exec))[ \t]*`;
  const traces = String.raw`(?:-[a-zA-Z]*[xv]|-[a-zA-Z]*o\s+(?:xtrace|verbose))`;
  const commands = [
    String.raw`set\s+(?:[^;&|#\n]*\s)?${traces}`,
    String.raw`(?:\S*/)?(?:ba)?sh\s+(?:-\S+\s+)*${traces}`,
    String.raw`shopt\s[^;&|#\n]*\b(?:xtrace|verbose)\b`,
  ];
  return new RegExp(`${start}(?:${commands.join("|")})`, "m").test(shell);
}

/** Whether shell text sets a variable, judged by its text only. */
function assigns(shell: string, name: string): boolean {
  const statement = String.raw`(?:^|[;&|(])\s*(?:(?:export|declare|typeset|readonly)\b[^;&|#\n]*?\s)?`;
  return new RegExp(`${statement}${name}=`, "m").test(shell);
}
