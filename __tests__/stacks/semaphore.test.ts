import { afterEach, describe, expect, it, vi } from "vitest";
import { retireEnv } from "../../handlers/lib/settings/retire.ts";
import { semaphoreRuntime } from "../../handlers/lib/settings/vendors/semaphore.ts";
import { ec2Fleet } from "../../stacks/config/ec2-fleet.ts";
import { semaphoreVendor } from "../../stacks/config/vendors/semaphore.ts";
import type { Secret } from "../../stacks/constructs/secret.ts";
import { terraformTexts } from "../../stacks/constructs/terraform-text.ts";
import { semaphore } from "../../stacks/vendors/semaphore.ts";
import type { FleetOf, InstanceFleet } from "../../stacks/vendors/vendor-synth.ts";
import { resources, rightsOf, synthesize, theOnly } from "./synth.ts";

const tokenArn = "arn:aws:ssm:us-west-2:111122223333:parameter/ci/token";
const fleet: InstanceFleet = {
  partition: "aws",
  agents: { singleUse: true, idleTimeoutSeconds: 300 },
  architecture: "x86_64",
  drainTimeoutSeconds: 21_600,
};

/** The synth half of a fleet with this vendor; `asked` gets the secrets that it asks for. */
function vendorOf(vendor: object = { organization: "acme" }, asked: string[] = [], compute: object = {}) {
  const config = { kind: "ec2-fleet", region: "us-west-2", vendor: { type: "semaphore", ...vendor }, compute };
  const secret = (key: string) => {
    asked.push(key);
    return { arn: tokenArn } as Secret;
  };
  return semaphore(terraformTexts(ec2Fleet.parse(config)) as FleetOf<"semaphore">, secret, "ci");
}

function instanceOf(vendor: object = {}, changes: Partial<InstanceFleet> = {}) {
  return vendorOf({ organization: "acme", ...vendor }).instance({ ...fleet, ...changes });
}

const agentConfigOf = (...args: Parameters<typeof instanceOf>) =>
  JSON.parse(instanceOf(...args).settings.AGENT_FLEETS_SEMAPHORE_CONFIG ?? "");

describe("a Semaphore fleet", () => {
  it.each([
    [{ organization: "acme" }, "https://acme.semaphoreci.com"],
    [{ endpoint: "ci.example.com" }, "https://ci.example.com"],
    [{ endpoint: "ci.example.com:8443" }, "https://ci.example.com:8443"],
    [{ endpoint: "127.0.0.1:8080" }, "http://127.0.0.1:8080"],
    [{ endpoint: "localhost" }, "http://localhost"],
    [{ endpoint: "127.0.0.1.example.com" }, "https://127.0.0.1.example.com"],
  ])("of %j asks %s", (vendor, address) => {
    expect(semaphoreRuntime.parse(vendorOf(vendor).runtime)).toEqual({ type: "semaphore", address });
  });

  it("has agents that leave by themselves and alone know what they do, one secret and no webhook", () => {
    const asked: string[] = [];
    const { departure, apiSecret, webhook } = vendorOf(undefined, asked);
    expect({ departure, apiSecret, webhook }).toEqual({
      departure: "by-itself",
      apiSecret: { arn: tokenArn },
      webhook: undefined,
    });
    expect(asked).toEqual(["agentTypeToken"]);
    expect(semaphoreVendor.asksInstances).toBe(true);
  });
});

describe("the instance of a Semaphore agent", () => {
  it("gets its whole configuration by settings, and the token by reference", () => {
    const { bootFiles, settings, secrets, logs, defaultAmi } = instanceOf();
    const { AGENT_FLEETS_SEMAPHORE_CONFIG: _, ...others } = settings;
    expect(others).toEqual({
      AGENT_FLEETS_POWER_OFF_DELAY_SECONDS: "180",
      AGENT_FLEETS_SEMAPHORE_USER: "semaphore",
      AGENT_FLEETS_SEMAPHORE_TOKEN_ARN: tokenArn,
      AGENT_FLEETS_SEMAPHORE_JOBS_USE_ROLE: "false",
      AGENT_FLEETS_SEMAPHORE_DOCKER: "true",
      AGENT_FLEETS_SEMAPHORE_IDLE_TIMEOUT_SECONDS: "300",
      AGENT_FLEETS_SEMAPHORE_AGENT_VERSION: "v2.4.0",
      AGENT_FLEETS_SEMAPHORE_AGENT_SHA256: "cc3b14d260c9eb2e385930a0c637eaf31e42a3a2d2dcadf27f90b742d2fc33cf",
      AGENT_FLEETS_SEMAPHORE_GITHUB_MINUTES: "360",
      AGENT_FLEETS_SEMAPHORE_KNOWN_HOSTS: "",
    });
    expect(agentConfigOf()).toEqual({
      endpoint: "acme.semaphoreci.com",
      "no-https": false,
      "disconnect-after-job": true,
      "env-vars": [],
      files: [],
      "fail-on-missing-files": false,
      "upload-job-logs": "never",
      "shutdown-hook-path": "/opt/agent-fleets/shutdown-hook",
      "interruption-grace-period": 21_600,
    });
    expect(bootFiles).toEqual(["semaphore/boot.sh"]);
    expect(secrets.map(({ arn }) => arn)).toEqual([tokenArn]);
    expect(logs).toEqual({ agent: "/var/log/semaphore/agent.log" });
    expect(defaultAmi).toEqual({
      ssmParameter: "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
    });
  });

  const policy = "arn:aws:iam::aws:policy/ReadOnlyAccess";
  const right = { actions: ["s3:GetObject"], resources: ["arn:aws:s3:::acme/*"] };
  it.each([
    [{}, {}, "false"],
    [{}, { instanceRole: { extraPolicyArns: [], extraStatements: [] } }, "false"],
    [{ cacheBucket: "acme-cache" }, {}, "true"],
    [{}, { instanceRole: { name: "ci" } }, "true"],
    [{}, { instanceRole: { extraPolicyArns: [policy] } }, "true"],
    [{}, { instanceRole: { extraStatements: [right] } }, "true"],
    [{ jobsUseInstanceRole: false }, { instanceRole: { name: "ci" } }, "false"],
    [{ jobsUseInstanceRole: false }, { instanceRole: { extraStatements: [right] } }, "false"],
    [{ jobsUseInstanceRole: true }, {}, "true"],
  ])("§2.5: keeps jobs from its role unless they have a use for it: %j with compute %j", (vendor, compute, open) => {
    const { settings } = vendorOf({ organization: "acme", ...vendor }, [], compute).instance(fleet);
    expect(settings.AGENT_FLEETS_SEMAPHORE_JOBS_USE_ROLE).toBe(open);
  });

  it("§2.5: takes Docker from jobs where the config says so", () => {
    expect(instanceOf({ docker: false }).settings.AGENT_FLEETS_SEMAPHORE_DOCKER).toBe("false");
  });

  it("follows the fleet's architecture", () => {
    const { settings, defaultAmi } = instanceOf({}, { architecture: "arm64" });
    expect(settings.AGENT_FLEETS_SEMAPHORE_AGENT_SHA256).toMatch(/^3d18fcab/);
    expect(defaultAmi).toEqual({ ssmParameter: expect.stringMatching(/-arm64$/) });
  });

  it("defect 3: may do nothing of its own where there is no cache", () => {
    expect(instanceOf().statements).toEqual([]);
  });

  it("may read and write a cache that is under a customer key", () => {
    const cacheKmsKeyArn = "arn:aws:kms:us-west-2:111122223333:key/a";
    expect(instanceOf({ cacheBucket: "acme-cache", cacheKmsKeyArn }).statements).toContainEqual({
      actions: ["kms:Decrypt", "kms:GenerateDataKey"],
      resources: [cacheKmsKeyArn],
    });
  });

  it.each(["aws", "aws-us-gov", "aws-cn"])("defect 7: has rights on the cache's bucket alone, in %s", (partition) => {
    const { statements } = instanceOf({ cacheBucket: "acme-cache" }, { partition });
    expect(statements).toEqual([
      { actions: ["s3:ListBucket"], resources: [`arn:${partition}:s3:::acme-cache`] },
      {
        actions: ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
        resources: [`arn:${partition}:s3:::acme-cache/*`],
      },
    ]);
    expect(JSON.stringify(statements)).not.toMatch(/autoscaling|ec2:|logs:|"\*"/);
  });

  it("tells jobs where their cache is", () => {
    expect(agentConfigOf({ cacheBucket: "acme-cache", environment: { A: "1" } })["env-vars"]).toEqual([
      "A=1",
      "SEMAPHORE_CACHE_BACKEND=s3",
      "SEMAPHORE_CACHE_S3_BUCKET=acme-cache",
      "SEMAPHORE_CACHE_USE_EC2_INSTANCE_PROFILE=true",
    ]);
  });

  it("defect 6: keeps false and 0", () => {
    const changes = { agents: { singleUse: false, idleTimeoutSeconds: 0 } };
    const vendor = { sshKnownHosts: { github: false }, failOnMissingFiles: false };
    expect(agentConfigOf(vendor, changes)).toMatchObject({
      "disconnect-after-job": false,
      "fail-on-missing-files": false,
    });
    expect(instanceOf(vendor, changes).settings).toMatchObject({
      AGENT_FLEETS_SEMAPHORE_IDLE_TIMEOUT_SECONDS: "0",
      AGENT_FLEETS_SEMAPHORE_GITHUB_MINUTES: "0",
    });
  });

  it("takes variables as they stand, whatever Terraform would make of them", () => {
    const [variable] = agentConfigOf({ environment: { A: '${x} %{y} $${z} "q" \\' } })["env-vars"];
    expect(variable).toBe('A=$${x} %%{y} $$${z} "q" \\');
  });

  it("gets files, SSH keys and releases", () => {
    const vendor = {
      files: [{ from: "/etc/ci/settings.xml", to: "/root/.m2/settings.xml" }],
      failOnMissingFiles: true,
      uploadJobLogs: "when-trimmed",
      user: "ubuntu",
      agent: { version: "v2.3.0", sha256: "1".repeat(64) },
      toolbox: { version: "v1.41.0", sha256: "2".repeat(64) },
      sshKnownHosts: { lines: ["a.example.com ssh-ed25519 AAAA", "b.example.com ssh-rsa AAAB"], refreshMinutes: 60 },
      powerOffDelaySeconds: 600,
    };
    expect(agentConfigOf(vendor)).toMatchObject({
      files: ["/etc/ci/settings.xml:/root/.m2/settings.xml"],
      "fail-on-missing-files": true,
      "upload-job-logs": "when-trimmed",
    });
    expect(instanceOf(vendor).settings).toMatchObject({
      AGENT_FLEETS_POWER_OFF_DELAY_SECONDS: "600",
      AGENT_FLEETS_SEMAPHORE_USER: "ubuntu",
      AGENT_FLEETS_SEMAPHORE_AGENT_VERSION: "v2.3.0",
      AGENT_FLEETS_SEMAPHORE_AGENT_SHA256: "1".repeat(64),
      AGENT_FLEETS_SEMAPHORE_TOOLBOX_VERSION: "v1.41.0",
      AGENT_FLEETS_SEMAPHORE_TOOLBOX_SHA256: "2".repeat(64),
      AGENT_FLEETS_SEMAPHORE_GITHUB_MINUTES: "60",
      AGENT_FLEETS_SEMAPHORE_KNOWN_HOSTS: "a.example.com ssh-ed25519 AAAA\nb.example.com ssh-rsa AAAB",
    });
  });

  it("defect 8: is told without a question to any network", () => {
    const before = globalThis.fetch;
    globalThis.fetch = () => {
      throw new Error("no network at synth");
    };
    try {
      expect(() => instanceOf({ cacheBucket: "acme-cache" })).not.toThrow();
    } finally {
      globalThis.fetch = before;
    }
  });
});

describe("the Terraform of a Semaphore fleet", () => {
  const stack = synthesize({
    kind: "ec2-fleet",
    region: "us-gov-west-1",
    vendor: { type: "semaphore", organization: "acme", cacheBucket: "acme-cache", environment: { A: "${x}" } },
    agents: { singleUse: false, idleTimeoutSeconds: 0 },
    secrets: { agentTypeToken: { arn: "arn:aws-us-gov:ssm:us-gov-west-1:111122223333:parameter/ci/token" } },
  });
  const rights = rightsOf(stack, "instance");
  const actions = rights.flatMap(({ Action }) => Action);

  it("defect 3: lets instances read their token, send to the release queue, use the cache, and touch no group", () => {
    expect(actions).toEqual(expect.arrayContaining(["ssm:GetParameter", "sqs:SendMessage", "s3:PutObject"]));
    expect(actions.filter((action) => /^(autoscaling|ec2|iam|sts|lambda):/.test(action))).toEqual([]);
    const of = (action: string) => rights.find(({ Action }) => Action.includes(action))?.Resource;
    expect(of("ssm:GetParameter")).toEqual(["arn:aws-us-gov:ssm:us-gov-west-1:111122223333:parameter/ci/token"]);
    expect(of("sqs:SendMessage")).toEqual([expect.stringMatching(/:us-gov-west-1:.*:ci-release$/)]);
    expect(of("s3:PutObject")).toEqual(["arn:aws-us-gov:s3:::acme-cache/*"]);
  });

  it("defect 3: writes logs into the fleet's own groups only", () => {
    const written = rights
      .filter(({ Action }) => Action.includes("logs:PutLogEvents"))
      .flatMap(({ Resource }) => Resource);
    expect(written.length).toBeGreaterThan(0);
    expect(written).not.toContain("*");
  });

  it("defect 7: names no partition but the region's own", () => {
    expect(JSON.stringify(rights)).not.toContain("arn:aws:");
  });

  it("defect 3: answers metadata by tokens alone and not to containers, and tells the instance its tags", () => {
    expect(theOnly(stack, "aws_launch_template").metadata_options).toMatchObject({
      http_tokens: "required",
      http_put_response_hop_limit: 1,
      instance_metadata_tags: "enabled",
    });
  });

  it("boots with this vendor's settings and scripts", () => {
    const { user_data: userData } = theOnly(stack, "aws_launch_template");
    const program = JSON.stringify(stack);
    expect(String(userData)).toContain("base64gzip");
    expect(program).toContain("AGENT_FLEETS_SEMAPHORE_IDLE_TIMEOUT_SECONDS='0'");
    expect(program).toContain("shutdown_hook");
    expect(program).not.toContain("AGENT_FLEETS_SPACELIFT");
  });
});

describe("the retire function of a Semaphore fleet", () => {
  const stack = synthesize({
    kind: "ec2-fleet",
    region: "us-west-2",
    vendor: { type: "semaphore", organization: "acme" },
  });
  const found = resources(stack, "aws_lambda_function").find((each) => each.function_name === "ci-retire");
  const { variables } = found?.environment as { readonly variables: Readonly<Record<string, string>> };
  afterEach(() => {
    vi.unstubAllEnvs();
    vi.resetModules();
  });

  it("may ask the instances of its group, and them alone: nobody else knows whether an agent works", () => {
    const rights = rightsOf(stack, "retirement_retire_retire-role");
    expect(rights.filter(({ Action }) => Action.includes("ssm:SendCommand"))).toEqual([
      expect.objectContaining({ Resource: [expect.stringMatching(/:ssm:us-west-2::document\/AWS-RunShellScript$/)] }),
      expect.objectContaining({
        Resource: [expect.stringMatching(/:ec2:us-west-2:.+:instance\/\*$/)],
        Condition: { StringEquals: { "ssm:resourceTag/aws:autoscaling:groupName": "ci" } },
      }),
    ]);
    expect(rights.flatMap(({ Action }) => Action)).toEqual(
      expect.arrayContaining(["ssm:GetCommandInvocation", "autoscaling:DescribeAutoScalingInstances"]),
    );
    expect(retireEnv.parse(variables).GROUP).toEqual(["ci"]);
  });

  it("starts with the environment that the stack gives it", async () => {
    for (const [name, value] of Object.entries({ ...variables, AWS_REGION: "us-west-2" })) vi.stubEnv(name, value);
    vi.resetModules();
    await expect(import("../../handlers/retire/index.ts")).resolves.toHaveProperty("handler");
  });
});
