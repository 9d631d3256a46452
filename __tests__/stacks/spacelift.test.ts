import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { spaceliftRuntime } from "../../handlers/lib/settings/vendors/spacelift.ts";
import { ec2Fleet } from "../../stacks/config/ec2-fleet.ts";
import type { Secret } from "../../stacks/constructs/secret.ts";
import { terraformTexts } from "../../stacks/constructs/terraform-text.ts";
import { spacelift } from "../../stacks/vendors/spacelift.ts";
import type { AgentInstance, FleetOf, InstanceFleet } from "../../stacks/vendors/vendor-synth.ts";
import { resources, rightsOf, synthesize } from "./synth.ts";

const arn = (name: string) => `arn:aws:secretsmanager:us-west-2:111122223333:secret:${name}-AbCdEf`;
const parameterArn = "arn:aws:ssm:us-west-2:111122223333:parameter/ci/key";
const fleet: InstanceFleet = {
  partition: "aws",
  agents: { singleUse: true, idleTimeoutSeconds: 300 },
  architecture: "x86_64",
  drainTimeoutSeconds: 21_600,
};

/** The synth half of a fleet with this vendor; `asked` gets the secrets that it asks for. */
function vendorOf(vendor: object = {}, asked: string[] = []) {
  const config = {
    type: "spacelift",
    workerPoolId: "01HCC6QZ932J7WDF4FTVM9QMEP",
    endpoint: "https://acme.app.spacelift.io",
    apiKeyId: "01HCC6QZ932J7WDF4FTVM9QMEX",
    ...vendor,
  };
  const parsed = ec2Fleet.parse({ kind: "ec2-fleet", region: "us-west-2", vendor: config });
  const secret = (key: string) => {
    asked.push(key);
    return { arn: arn(key) } as Secret;
  };
  return spacelift(terraformTexts(parsed) as FleetOf<"spacelift">, secret, "ci");
}

function instanceOf(vendor: object = {}, changes: Partial<InstanceFleet> = {}): AgentInstance {
  return vendorOf(vendor).instance({ ...fleet, ...changes });
}

/** The settings without their common beginning. */
function settingsOf(...args: Parameters<typeof instanceOf>): Record<string, string> {
  const entries = Object.entries(instanceOf(...args).settings);
  return Object.fromEntries(entries.map(([name, value]) => [name.replace(/^AGENT_FLEETS_(?:SPACELIFT_)?/, ""), value]));
}

const decoded = (text: string | undefined) => Buffer.from(text ?? "", "base64").toString();

describe("a Spacelift fleet", () => {
  it("tells its handlers which pool it is, and no secret", () => {
    const { runtime, departure, apiSecret, webhook } = vendorOf();
    expect(spaceliftRuntime.parse(runtime)).toEqual({
      type: "spacelift",
      endpoint: "https://acme.app.spacelift.io",
      apiKeyId: "01HCC6QZ932J7WDF4FTVM9QMEX",
      workerPoolId: "01HCC6QZ932J7WDF4FTVM9QMEP",
      group: "ci",
    });
    expect({ departure, apiSecret, webhook }).toEqual({
      departure: "by-retirement",
      apiSecret: { arn: arn("apiKeySecret") },
      webhook: undefined,
    });
  });

  it("has secrets for its workers and its API key, and none that the user brings", () => {
    const all: string[] = [];
    vendorOf({}, all);
    expect(all).toEqual(["workerPoolToken", "poolPrivateKey", "apiKeySecret"]);
    const keys = ["SPACELIFT_TOKEN", "SPACELIFT_POOL_PRIVATE_KEY"];
    const byo = { secretsManager: { arn: arn("own"), keys } };
    const asked: string[] = [];
    vendorOf({ byo }, asked);
    expect(asked).toEqual(["apiKeySecret"]);
  });
});

describe("the webhook of a Spacelift fleet", () => {
  const config = (webhook: object) => ({
    kind: "ec2-fleet",
    region: "us-west-2",
    vendor: {
      type: "spacelift",
      workerPoolId: "01HCC6QZ932J7WDF4FTVM9QMEP",
      endpoint: "https://acme.app.spacelift.io",
      apiKeyId: "01HCC6QZ932J7WDF4FTVM9QMEX",
      webhook,
    },
  });

  it("is there when asked for, with its URL, its secret, its throttle and its alarms", () => {
    const stack = synthesize(config({ enabled: true, throttleRatePerSecond: 7, throttleBurst: 9 }));
    expect(stack.output?.webhook_url?.value).toMatch(/\/run-events$/);
    expect(resources(stack, "aws_apigatewayv2_route").map(({ route_key: key }) => key)).toEqual(["POST /run-events"]);
    const [{ route_settings: routes } = {}] = resources(stack, "aws_apigatewayv2_stage");
    expect(routes).toEqual([{ route_key: "POST /run-events", throttling_rate_limit: 7, throttling_burst_limit: 9 }]);
    const secrets = resources(stack, "aws_secretsmanager_secret").map(({ name }) => name);
    expect(secrets).toContain("agent-fleets/ci/webhook-secret");
    const alarms = resources(stack, "aws_cloudwatch_metric_alarm").map(({ alarm_name: name }) => name);
    expect(alarms).toEqual(
      expect.arrayContaining(["ci-webhook-failing", "ci-webhook-refusing", "ci-webhook-throttled"]),
    );
  });

  it("may read its secret and wake the loop, and nothing else; nobody else may read its secret", () => {
    const stack = synthesize(config({ enabled: true }));
    expect(rightsOf(stack, "webhook").slice(1)).toEqual([
      {
        Effect: "Allow",
        Action: ["secretsmanager:GetSecretValue"],
        Resource: [expect.stringContaining("secret-webhookSecret")],
      },
      {
        Effect: "Allow",
        Action: ["lambda:InvokeFunction"],
        Resource: [expect.stringMatching(/aws_lambda_function\.autoscale\w+\.arn/)],
      },
    ]);
    const readers = Object.entries(stack.resource.aws_iam_role_policy ?? {}).filter(([, policy]) =>
      JSON.stringify(policy).includes("secret-webhookSecret"),
    );
    expect(readers.map(([id]) => id)).toEqual([expect.stringMatching(/^webhook/)]);
  });

  it("is left out by default", () => {
    const stack = synthesize(config({}));
    expect(stack.output).not.toHaveProperty("webhook_url");
    expect(resources(stack, "aws_apigatewayv2_api")).toEqual([]);
  });
});

describe("a Spacelift worker's instance", () => {
  it("boots with Spacelift's launcher, verified by the key that ships with the boot script", () => {
    const { bootFiles } = instanceOf();
    expect(bootFiles).toEqual(["spacelift/boot.sh"]);
    const { SIGNING_KEY, ...settings } = settingsOf();
    expect(SIGNING_KEY).toMatch(/^-----BEGIN PGP PUBLIC KEY BLOCK-----/);
    expect(settings).toEqual({
      DOMAIN: "spacelift.io",
      COMMS_PROTOCOL: "poll",
      CONFIGURATION: "",
      ENVIRONMENT: `SPACELIFT_TOKEN=${arn("workerPoolToken")}\nSPACELIFT_POOL_PRIVATE_KEY=${arn("poolPrivateKey")}`,
      POWER_OFF: "true",
      POWER_OFF_DELAY_SECONDS: "15",
    });
  });

  it("defect 22: knows secrets by reference, and may read exactly those that its worker gets", () => {
    const secureEnvironment = { GITHUB_TOKEN: { arn: parameterArn }, NPM_TOKEN: { arn: arn("npm") } };
    const byo = { secretsManager: { arn: arn("own"), keys: ["SPACELIFT_TOKEN", "MORE"] } };
    const { statements, secrets: read } = instanceOf({ secureEnvironment, byo });
    expect(settingsOf({ secureEnvironment, byo }).ENVIRONMENT?.split("\n")).toEqual([
      `SPACELIFT_POOL_PRIVATE_KEY=${arn("poolPrivateKey")}`,
      `GITHUB_TOKEN=${parameterArn}`,
      `NPM_TOKEN=${arn("npm")}`,
      `SPACELIFT_TOKEN=${arn("own")}:SPACELIFT_TOKEN`,
      `MORE=${arn("own")}:MORE`,
    ]);
    expect(read.map((secret) => secret.arn)).toEqual([arn("poolPrivateKey")]);
    expect(statements).toEqual([
      { actions: ["ssm:GetParameter"], resources: [parameterArn] },
      { actions: ["secretsmanager:GetSecretValue"], resources: [arn("npm")] },
      { actions: ["secretsmanager:GetSecretValue"], resources: [arn("own")] },
    ]);
  });

  it("does not get the API key, with which workers are drained", () => {
    const { secrets: read, settings, statements } = instanceOf();
    expect(read.map((secret) => secret.arn)).toEqual([arn("workerPoolToken"), arn("poolPrivateKey")]);
    expect(JSON.stringify([settings, statements])).not.toContain("apiKeySecret");
  });

  it("takes configuration as it stands, whatever Terraform or a shell would make of it", () => {
    const configuration = "export A=\"${B:-$(date)}\" # %{if} $${x} 'q' \\ 100%\n\texport Ü=1\n";
    expect(decoded(settingsOf({ configuration }).CONFIGURATION)).toBe(configuration);
  });

  it("of a self-hosted Spacelift reads exactly the launcher and runs it as the user spacelift", () => {
    const selfHosted = { launcherS3Uri: "s3://binaries-123ab/releases/spacelift-launcher" };
    const endpoint = "https://spacelift.example.com";
    const { SIGNING_KEY, LAUNCHER_S3_URI, USER, COMMS_URL } = settingsOf({ selfHosted, endpoint });
    expect({ SIGNING_KEY, LAUNCHER_S3_URI, USER, COMMS_URL }).toEqual({
      SIGNING_KEY: undefined,
      LAUNCHER_S3_URI: selfHosted.launcherS3Uri,
      USER: "spacelift",
      COMMS_URL: endpoint,
    });
    const statement = (partition: string) => instanceOf({ selfHosted, endpoint }, { partition }).statements;
    const key = "s3:::binaries-123ab/releases/spacelift-launcher";
    expect(statement("aws")).toEqual([{ actions: ["s3:GetObject"], resources: [`arn:aws:${key}`] }]);
    expect(statement("aws-us-gov")).toEqual([{ actions: ["s3:GetObject"], resources: [`arn:aws-us-gov:${key}`] }]);
    expect(settingsOf({ selfHosted: { ...selfHosted, runLauncherAsSpaceliftUser: false } }).USER).toBe("root");
    expect(settingsOf({ selfHosted, endpoint, commsProtocol: "mqtt" }).COMMS_URL).toBeUndefined();
    expect(settingsOf({ selfHosted, commsUrl: "https://other.example.com" }).COMMS_URL).toBe(
      "https://other.example.com",
    );
  });

  it("gets no setting that the boot does not know", () => {
    const boot = ["agents/ec2/library.sh", "agents/ec2/life.sh", "agents/spacelift/boot.sh"]
      .map((path) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8"))
      .join("");
    const selfHosted = { launcherS3Uri: "s3://bucket/launcher" };
    const names = [{ selfHosted }, {}].flatMap((vendor) => Object.keys(instanceOf(vendor).settings));
    expect(names.filter((name) => !boot.includes(name))).toEqual([]);
  });

  it("can be kept after its launcher ended, to look into it", () => {
    expect(settingsOf({ powerOffOnError: false, powerOffDelaySeconds: 0 })).toMatchObject({
      POWER_OFF: "false",
      POWER_OFF_DELAY_SECONDS: "0",
    });
  });

  it.each([
    ["aws", "x86_64", "643313122712"],
    ["aws", "arm64", "643313122712"],
    ["aws-us-gov", "x86_64", "092348861888"],
  ] as const)("in %s with %s is made from Spacelift's image", (partition, architecture, owner) => {
    expect(instanceOf({}, { partition, architecture }).defaultAmi).toEqual({
      nameFilter: `spacelift-??????????-${architecture}`,
      owners: [owner],
    });
  });
});

describe("the stack of a Spacelift fleet", () => {
  const vendor = {
    type: "spacelift",
    workerPoolId: "01HCC6QZ932J7WDF4FTVM9QMEP",
    endpoint: "https://acme.app.spacelift.io",
    apiKeyId: "01HCC6QZ932J7WDF4FTVM9QMEX",
  };
  const fleetOf = (name: string, changes: object = {}) =>
    synthesize({ kind: "ec2-fleet", region: "us-west-2", vendor: { ...vendor, ...changes } }, name);
  const namesOf = (stack: ReturnType<typeof fleetOf>) =>
    ["aws_cloudwatch_log_group", "aws_iam_role", "aws_secretsmanager_secret"].flatMap((type) =>
      resources(stack, type).map(({ name }) => String(name)),
    );

  it("defect 21: shares no name with another fleet of its account, not even on the same pool", () => {
    const [one, other] = [namesOf(fleetOf("one")), namesOf(fleetOf("other"))];
    expect(one).toEqual(expect.arrayContaining(["/agent-fleets/one/boot", "/agent-fleets/one/launcher-error"]));
    expect(one.filter((name) => other.includes(name))).toEqual([]);
  });

  it("defect 22: has no value of a secret, and gives each secret to who needs it", () => {
    const stack = fleetOf("ci");
    expect(stack.resource).not.toHaveProperty("aws_secretsmanager_secret_version");
    const readBy = (role: string) => {
      const resourcesRead = rightsOf(stack, role)
        .filter(({ Action }) => Action.includes("secretsmanager:GetSecretValue"))
        .flatMap(({ Resource }) => Resource ?? []);
      return resourcesRead.map((resource) => /secret-(\w+?)_/.exec(resource)?.[1]);
    };
    expect(readBy("role_instance")).toEqual(["workerPoolToken", "poolPrivateKey"]);
    expect(readBy("autoscale_")).toEqual(["apiKeySecret"]);
    expect(readBy("retire-role")).toEqual(["apiKeySecret"]);
  });

  describe("whose secrets are brought", () => {
    const key = (id: string) => `arn:aws:kms:us-west-2:111122223333:key/${id}`;
    const brought = {
      byo: { secretsManager: { arn: arn("own"), keys: ["SPACELIFT_TOKEN", "SPACELIFT_POOL_PRIVATE_KEY"] } },
      secureEnvironment: { GITHUB_TOKEN: { arn: parameterArn } },
    };
    const decryptedBy = (stack: ReturnType<typeof fleetOf>, role: string) =>
      rightsOf(stack, role)
        .filter(({ Action }) => Action.includes("kms:Decrypt"))
        .flatMap(({ Resource }) => Resource);
    const stackWith = (more: object, vendorMore: object) =>
      synthesize({ kind: "ec2-fleet", region: "us-west-2", ...more, vendor: { ...vendor, ...vendorMore } }, "ci");

    it("lets its instances use the stack's key, with which they may be encrypted", () => {
      expect(decryptedBy(stackWith({ kmsKeyArn: key("stack") }, brought), "role_instance")).toEqual([key("stack")]);
      expect(decryptedBy(stackWith({}, brought), "role_instance")).toEqual([]);
    });

    it("lets each reader use the key that its secret is encrypted with, and no other", () => {
      const secret = (name: string) => ({ arn: arn(name), kmsKeyArn: key(name) });
      const stack = stackWith(
        { secrets: { apiKeySecret: secret("api"), workerPoolToken: secret("token") } },
        {
          secureEnvironment: { A: secret("one"), B: { arn: parameterArn, kmsKeyArn: key("one") } },
          byo: { secretsManager: { ...secret("two"), keys: ["SPACELIFT_POOL_PRIVATE_KEY"] } },
        },
      );
      expect(decryptedBy(stack, "role_instance")).toEqual([key("one"), key("two"), key("token")]);
      for (const role of ["autoscale_", "retire-role"]) expect(decryptedBy(stack, role)).toEqual([key("api")]);
    });
  });

  it("lets its instances read the launcher of a self-hosted Spacelift, and nothing else in S3", () => {
    const selfHosted = { launcherS3Uri: "s3://binaries-123ab/spacelift-launcher" };
    const rights = rightsOf(fleetOf("ci", { selfHosted }), "role_instance");
    expect(rights.filter(({ Action }) => String(Action).includes("s3:"))).toMatchObject([
      { Action: ["s3:GetObject"], Resource: ["arn:aws:s3:::binaries-123ab/spacelift-launcher"] },
    ]);
  });
});
