import { readFileSync } from "node:fs";
import { secretParts, serviceOf } from "../../handlers/lib/core/arn.ts";
import { webhookPath } from "../../handlers/lib/settings/vendors/spacelift.ts";
import { type SpaceliftConfig, workerSecrets } from "../config/vendors/spacelift.ts";
import { throttleOf } from "../config/webhook.ts";
import type { Secret } from "../constructs/secret.ts";
import type { Statement } from "../constructs/statement.ts";
import { type Escaped, plainText } from "../constructs/terraform-text.ts";
import type { SynthHalf } from "./vendor-synth.ts";

/** AWS account of Spacelift's worker images: https://github.com/spacelift-io/spacelift-worker-image. */
const imageOwners = { aws: "643313122712", "aws-us-gov": "092348861888" };

/** The synth half of Spacelift. */
export const spacelift: SynthHalf<"spacelift"> = ({ vendor: config }, secret, group) => {
  const { type, endpoint, apiKeyId, workerPoolId, selfHosted, webhook } = config;
  const brought: readonly string[] = config.byo?.secretsManager.keys ?? [];
  const workerPoolToken = brought.includes("SPACELIFT_TOKEN")
    ? undefined
    : secret("workerPoolToken", `Token of worker pool ${workerPoolId}`);
  const poolPrivateKey = brought.includes("SPACELIFT_POOL_PRIVATE_KEY")
    ? undefined
    : secret("poolPrivateKey", `Private key of worker pool ${workerPoolId}`);
  const apiSecret = secret(
    "apiKeySecret",
    `Secret of API key ${apiKeyId}, which reads and drains worker pool ${workerPoolId}`,
  );
  const webhookSecret = webhook.enabled
    ? secret("webhookSecret", `HMAC key with which Spacelift signs messages about runs of worker pool ${workerPoolId}`)
    : undefined;
  return {
    runtime: { type, endpoint, apiKeyId, workerPoolId, group },
    departure: "by-retirement",
    apiSecret,
    webhook: webhookSecret && {
      ...throttleOf(webhook, false),
      secret: webhookSecret,
      paths: { webhook_url: webhookPath },
    },

    instance: ({ partition, architecture }) => ({
      bootFiles: ["spacelift/boot.sh"],
      settings: settingsOf(config, { workerPoolToken, poolPrivateKey }),
      secrets: [workerPoolToken, poolPrivateKey].filter((secret) => secret !== undefined),
      statements: [
        ...readSecrets(broughtSecrets(config)),
        ...(selfHosted ? [readLauncher(selfHosted.launcherS3Uri, partition)] : []),
      ],
      logs: {
        "launcher-info": "/var/log/spacelift/info.log",
        "launcher-error": "/var/log/spacelift/error.log",
      },
      defaultAmi: {
        // Ten digits: the time of the build.
        nameFilter: `spacelift-??????????-${architecture}`,
        owners: [partition === "aws-us-gov" ? imageOwners["aws-us-gov"] : imageOwners.aws],
      },
    }),
  };
};

/** The worker's secrets that the stack makes. The user provides the others. */
type WorkerSecrets = { readonly [Key in (typeof workerSecrets)[keyof typeof workerSecrets]]: Secret | undefined };

/** See agents/spacelift/README.md. */
function settingsOf(config: Escaped<SpaceliftConfig>, secrets: WorkerSecrets): Record<string, string> {
  const { selfHosted, configuration, commsProtocol } = config;
  const commsUrl = config.commsUrl ?? (selfHosted && commsProtocol === "poll" ? config.endpoint : undefined);
  return {
    AGENT_FLEETS_SPACELIFT_DOMAIN: config.domain,
    AGENT_FLEETS_SPACELIFT_ENVIRONMENT: environmentOf(config, secrets),
    AGENT_FLEETS_SPACELIFT_COMMS_PROTOCOL: commsProtocol,
    ...(commsUrl && { AGENT_FLEETS_SPACELIFT_COMMS_URL: commsUrl }),
    AGENT_FLEETS_SPACELIFT_CONFIGURATION: base64(plainText(configuration)),
    ...(selfHosted
      ? {
          AGENT_FLEETS_SPACELIFT_LAUNCHER_S3_URI: selfHosted.launcherS3Uri,
          AGENT_FLEETS_SPACELIFT_USER: selfHosted.runLauncherAsSpaceliftUser ? "spacelift" : "root",
        }
      : { AGENT_FLEETS_SPACELIFT_SIGNING_KEY: signingKey() }),
    AGENT_FLEETS_POWER_OFF: String(config.powerOffOnError),
    AGENT_FLEETS_POWER_OFF_DELAY_SECONDS: String(config.powerOffDelaySeconds),
  };
}

/** Lines `VARIABLE=ARN` or `VARIABLE=ARN:KEY`; names, ARNs and keys only, never a value. */
function environmentOf({ secureEnvironment, byo }: SpaceliftConfig, secrets: WorkerSecrets): string {
  const sources: readonly (readonly [string, string | undefined])[] = [
    ...Object.entries(workerSecrets).map(([name, key]) => [name, secrets[key]?.arn] as const),
    ...Object.entries(secureEnvironment).map(([name, { arn }]) => [name, arn] as const),
    ...(byo?.secretsManager.keys ?? []).map((key) => [key, `${byo?.secretsManager.arn}:${key}`] as const),
  ];
  return sources.flatMap(([name, source]) => (source === undefined ? [] : [`${name}=${source}`])).join("\n");
}

/** A secret of the user. Without its own KMS key it has the stack's, which the instances may use, or AWS's. */
interface BroughtSecret {
  readonly arn: string;
  readonly kmsKeyArn?: string | undefined;
}

function broughtSecrets({ secureEnvironment, byo }: SpaceliftConfig): BroughtSecret[] {
  const secrets: BroughtSecret[] = Object.values(secureEnvironment);
  return byo ? [...secrets, byo.secretsManager] : secrets;
}

function readSecrets(secrets: readonly BroughtSecret[]): Statement[] {
  const arns = new Set(secrets.map(({ arn }) => secretParts(arn).arn));
  const keys = new Set(secrets.flatMap(({ kmsKeyArn }) => kmsKeyArn ?? []));
  return [
    ...[...arns].map((arn) => ({ actions: [readActionOf(arn)], resources: [arn] })),
    ...[...keys].map((key) => ({ actions: ["kms:Decrypt"], resources: [key] })),
  ];
}

function readActionOf(arn: string): string {
  return serviceOf(arn) === "ssm" ? "ssm:GetParameter" : "secretsmanager:GetSecretValue";
}

function readLauncher(uri: string, partition: string): Statement {
  return { actions: ["s3:GetObject"], resources: [`arn:${partition}:s3:::${uri.slice("s3://".length)}`] };
}

function signingKey(): string {
  return readFileSync(new URL("../../agents/spacelift/signing-key.asc", import.meta.url), "utf8");
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
