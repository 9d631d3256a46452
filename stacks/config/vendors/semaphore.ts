import * as z from "zod";
import { environment } from "../compute/compute.ts";
import type { Ec2ComputeConfig } from "../compute/ec2-compute.ts";
import { ownVariableRules } from "../own-variables.ts";
import { bucketName, hostname, kmsKey, oneOf, sha256, text, uniqueList, wholeNumber } from "../primitives.ts";
import { warning } from "../reading/explain.ts";
import { withRules } from "../rules.ts";
import { defineVendor } from "./definition.ts";
import { outboundFields, setup } from "./outbound.ts";

/**
 * Releases of the agent whose archives' SHA-256 we know. Those of v2.2.8 are from the formula that Semaphore published with
 * it (github.com/semaphoreci/homebrew-tap). Those of v2.4.0 are assumed: we could not read its agent_checksums.txt. If one
 * were wrong, instances would install nothing.
 */
export const knownAgentReleases: Readonly<Record<string, { readonly x86_64: string; readonly arm64: string }>> = {
  "v2.4.0": {
    x86_64: "cc3b14d260c9eb2e385930a0c637eaf31e42a3a2d2dcadf27f90b742d2fc33cf",
    arm64: "3d18fcabb827cd30ef5600ffc19b9ebbfa37fd69c8196860816a93faf0972637",
  },
  "v2.2.8": {
    x86_64: "53fc97b124571445b781dde82b4b3273ea1743a42b3e826320b565ec2347c97f",
    arm64: "c26f12593e5dad1c00be8e6b5e850caae74822e9979029c0cbab2dce44416257",
  },
};

/** Earlier ones call Semaphore without a time limit: if it hangs, such an agent does not hear that it should leave. */
const defaultAgentRelease = "v2.4.0";

const version = text(/^v[0-9]+\.[0-9]+\.[0-9]+$/, `a release such as ${defaultAgentRelease}`);
const absolutePath = text(/^\/[\w./+@-]+$/, "an absolute path of letters, digits and ._/+@-");

const agentRelease = withRules(
  z.strictObject({
    version: version.default(defaultAgentRelease).describe("The release."),
    sha256: sha256
      .optional()
      .describe(
        "Checksum of its archive for the fleet's architecture, as agent_checksums.txt of the release lists it. " +
          `Left out: only with ${Object.keys(knownAgentReleases).join(", ")}, whose checksums we know.`,
      ),
  }),
  [
    {
      path: ["sha256"],
      reads: [["version"], ["sha256"]],
      check: ({ version: release, sha256: sum }) =>
        sum === undefined && !Object.hasOwn(knownAgentReleases, release)
          ? `must be given: the checksums of ${release} are not known here`
          : undefined,
    },
  ],
);

const toolboxRelease = z.strictObject({
  version: version.describe("The release."),
  sha256: sha256.describe(
    "Checksum of self-hosted-linux.tar (x86_64) or self-hosted-linux-arm.tar (arm64) of the release.",
  ),
});

const notYet = new Set(["windows", "macos"]);

const os = z.string({ error: "must be linux" }).refine((name) => name === "linux", {
  error: ({ input }) =>
    typeof input === "string" && notYet.has(input)
      ? `must be linux: agents on ${input} are not supported yet, see docs/requirements.md`
      : "must be linux",
});

const sshKnownHosts = z.strictObject({
  github: z
    .boolean()
    .default(true)
    .describe("Whether instances trust the keys of github.com. They are built in and updated from GitHub's API."),
  lines: uniqueList(
    text(
      /^(?!#)[^\s]+ (?:ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)) [A-Za-z0-9+/]+=*$/,
      "a line of a known_hosts file: hosts, type of key, key",
    ),
  )
    .default([])
    .describe("Keys of other Git hosts, as lines of a known_hosts file."),
  refreshMinutes: wholeNumber(15, 1440)
    .default(360)
    .describe("How often an instance reads the keys from GitHub's API. If the API does not answer, it keeps its keys."),
});

/** Variables that the stack sets itself, with the setting to use instead. */
const ownVariables = {
  SEMAPHORE_CACHE_BACKEND: "vendor.cacheBucket",
  SEMAPHORE_CACHE_S3_BUCKET: "vendor.cacheBucket",
  SEMAPHORE_CACHE_USE_EC2_INSTANCE_PROFILE: "vendor.cacheBucket",
};

const schema = withRules(
  z.strictObject({
    type: z.literal("semaphore").describe("Semaphore, with self-hosted agents. One fleet per agent type."),
    organization: text(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, "the name of an organization, as its address has it")
      .optional()
      .describe("The organization, as in https://<organization>.semaphoreci.com."),
    endpoint: hostname
      .optional()
      .describe("Host of your own Semaphore, with a port if it is not 443, in place of `organization`."),
    os: os.default("linux").describe("Operating system of agents: linux. Windows and macOS are not supported yet."),
    user: text(/^(?!root$)[a-z_][a-z0-9_-]{0,31}$/, "the name of a user other than root")
      .default("semaphore")
      .describe("User of agents and jobs. The boot creates it if the AMI does not have it."),
    agent: agentRelease
      .prefault({})
      .describe("The agent that the boot installs if the AMI has no agent in /opt/semaphore/agent."),
    toolbox: toolboxRelease
      .optional()
      .describe(
        "The toolbox (checkout, cache, artifact, …) that the boot installs if the user has no toolbox. Left out: the AMI has it.",
      ),
    cacheBucket: bucketName
      .optional()
      .describe("Existing S3 bucket for the cache CLI. Instances get rights on this bucket only. Left out: no cache."),
    cacheKmsKeyArn: kmsKey
      .optional()
      .describe("Customer managed KMS key that encrypts the bucket; instances may use it. Left out: no such key."),
    jobsUseInstanceRole: z
      .boolean()
      .optional()
      .describe(
        "Whether jobs on the instance itself get the credentials of its role. `false`: a firewall rule keeps the " +
          "agent's user from the metadata service, and no agent starts where that fails. A job that may use Docker is " +
          "root and can remove the rule. Left out: true with `cacheBucket`, with a role of yours and with rights added " +
          "in `compute.instanceRole`, else false.",
      ),
    docker: z
      .boolean()
      .default(true)
      .describe(
        "Whether agents and jobs may use Docker where the AMI has it. Then every job is root on its instance. `false`: " +
          "their user is taken out of the group `docker` at boot.",
      ),
    environment: environment
      .default({})
      .describe("Environment variables of all jobs. Not for secrets: they are readable in AWS."),
    files: z
      .array(
        z.strictObject({
          from: absolutePath.describe("The file on the instance."),
          to: absolutePath.describe("Its path for a job in a container."),
        }),
      )
      .default([])
      .describe("Files of the instance that jobs in containers get."),
    failOnMissingFiles: z.boolean().default(false).describe("Whether a job fails when one of `files` is missing."),
    uploadJobLogs: oneOf(["never", "when-trimmed", "always"])
      .default("never")
      .describe("When agents upload a job's log as an artifact."),
    setup,
    ...outboundFields,
    sshKnownHosts: sshKnownHosts.prefault({}).describe("SSH host keys that the instances trust."),
    powerOffDelaySeconds: wholeNumber(60, 3600)
      .default(180)
      .describe("After its agent has left, an instance waits this long for its termination, then it powers off."),
  }),
  [
    {
      path: ["organization"],
      reads: [["organization"], ["endpoint"]],
      check: ({ organization, endpoint }) =>
        (organization === undefined) === (endpoint === undefined)
          ? `must be given ${endpoint === undefined ? "(or endpoint, for your own Semaphore)" : "only without endpoint"}`
          : undefined,
    },
    {
      path: ["jobsUseInstanceRole"],
      reads: [["jobsUseInstanceRole"], ["cacheBucket"]],
      check: ({ jobsUseInstanceRole, cacheBucket }) =>
        jobsUseInstanceRole === false && cacheBucket !== undefined
          ? "must be true or left out with cacheBucket: the cache CLI runs in jobs and uses the instance's role"
          : undefined,
    },
    {
      path: ["environment"],
      reads: [["environment"]],
      check: ({ environment: variables }) => {
        const name = Object.keys(variables).find((key) => /[=\p{Cc}]/u.test(variables[key] ?? ""));
        return name && `must not have "=", line ends or other control characters in ${name}: agents refuse to start`;
      },
    },
    ...ownVariableRules(ownVariables, ["environment"]),
  ],
);

/** The value of `vendor` in a Semaphore fleet. */
export type SemaphoreConfig = z.output<typeof schema>;

/** Whether jobs may use the instance's role: if somebody says so, or gave the role rights that the boot does not need. */
export function jobsUseInstanceRole(vendor: SemaphoreConfig, { instanceRole }: Ec2ComputeConfig): boolean {
  return vendor.jobsUseInstanceRole ?? (vendor.cacheBucket !== undefined || hasRightsForJobs(instanceRole));
}

function hasRightsForJobs(role: Ec2ComputeConfig["instanceRole"]): boolean {
  return "name" in role || role.extraPolicyArns.length + role.extraStatements.length > 0;
}

/** Semaphore: self-hosted agents of one agent type. */
export const semaphoreVendor = defineVendor({
  id: "semaphore",
  kind: "ec2-fleet",
  schema,
  starter: {
    organization: { key: "organization", asks: "Organization (empty: your own Semaphore)" },
    url: {
      key: "endpoint",
      asks: "URL of your Semaphore",
      instead: true,
      value: (url) => url.replace(/^https:\/\//, "").replace(/\/$/, ""),
    },
  },
  asksInstances: true,
  readsOwnTags: true,
  severalPools: false,
  secrets: {
    agentTypeToken: {
      name: "agent-type-token",
      description: "Registration token of the agent type.",
      variable: "agent_type_token",
    },
  },
  rules: [],
  reaches: ({ organization }) => ({
    address: organization && `https://${organization}.semaphoreci.com`,
    // A leaving agent sends a message to the release queue.
    agents: [],
    functions: [],
  }),
  warnings: ({ vendor, compute }) => [
    vendor.jobsUseInstanceRole === false &&
      !("name" in compute.instanceRole) &&
      hasRightsForJobs(compute.instanceRole) &&
      warning(
        ["vendor", "jobsUseInstanceRole"],
        "is false: jobs on the instance itself get none of the rights that compute.instanceRole adds",
      ),
  ],
});
