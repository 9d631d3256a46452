import { describe, expect, it } from "vitest";
import { ec2Fleet } from "../../../../stacks/config/ec2-fleet.ts";
import { spaceliftVendor } from "../../../../stacks/config/vendors/spacelift.ts";
import { namesOfBash } from "../../../fixtures/bash-names.ts";
import { load } from "../files.ts";

const minimal = {
  type: "spacelift",
  workerPoolId: "01HCC6QZ932J7WDF4FTVM9QMEP",
  endpoint: "https://acme.app.spacelift.io",
  apiKeyId: "01HCC6QZ932J7WDF4FTVM9QMEX",
};
const secretArn = "arn:aws:secretsmanager:us-west-2:111122223333:secret:worker-AbCdEf";
const parameterArn = "arn:aws:ssm:us-west-2:111122223333:parameter/ci/key";
const byo = (...keys: string[]) => ({ byo: { secretsManager: { arn: secretArn, keys } } });

/** `path: message` of everything that is wrong. */
function errorsOf(vendor: object, secrets: object = {}, changes: object = {}): string[] {
  const fleet = { kind: "ec2-fleet", region: "us-west-2", vendor: { ...minimal, ...vendor }, secrets, ...changes };
  const { error } = ec2Fleet.safeParse(fleet);
  return error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`) ?? [];
}

describe("spacelift", () => {
  it.each([
    ["us-east-1", {}, 0],
    ["us-gov-east-1", {}, 0],
    ["eu-central-2", {}, 0],
    ["ap-southeast-3", {}, 1],
    ["ap-southeast-3", { ami: { id: "ami-0123456789abcdef0" } }, 0],
  ])("warns where Spacelift publishes no image: %s %j", (region, compute, count) => {
    const fleet = ec2Fleet.parse({ kind: "ec2-fleet", region, vendor: minimal, compute });
    const warnings = spaceliftVendor.warnings(fleet as never).filter((each) => each !== false);
    expect(warnings).toHaveLength(count);
    for (const { path, message } of warnings) {
      expect(path).toEqual(["compute", "ami"]);
      expect(message).toContain(`publishes no image in ${region}`);
    }
  });

  it("needs little: Spacelift's own domain, polling workers, no shell text", () => {
    expect(spaceliftVendor.schema.parse(minimal)).toEqual({
      ...minimal,
      domain: "spacelift.io",
      commsProtocol: "poll",
      configuration: "",
      secureEnvironment: {},
      caCertificates: [],
      setup: "",
      powerOffOnError: true,
      powerOffDelaySeconds: 15,
      webhook: { enabled: false },
    });
  });

  it("takes a webhook's secret only with a webhook", () => {
    const secrets = { webhookSecret: { arn: secretArn } };
    const error = "secrets.webhookSecret: must be left out unless vendor.webhook.enabled is true";
    expect(errorsOf({}, secrets)).toEqual([error]);
    expect(errorsOf({ webhook: { throttleRatePerSecond: 5 } }, secrets)).toEqual([error]);
    expect(errorsOf({ webhook: { enabled: true } }, secrets)).toEqual([]);
    expect(errorsOf({ webhook: { enabled: true } })).toEqual([]);
  });

  it.each([
    "01hcc6qz932j7wdf4ftvm9qmep",
    "01HCC6QZ932J7WDF4FTVM9QME",
    "01HCC6QZ932J7WDF4FTVM9QMEU",
    "${var.pool_id_of_26_chars}",
  ])("refuses the worker pool %s", (workerPoolId) => {
    expect(errorsOf({ workerPoolId })).toEqual([
      "vendor.workerPoolId: must be the id of a worker pool: a ULID of 26 capital letters and digits, such as 01HCC6QZ932J7WDF4FTVM9QMEP",
    ]);
  });

  it.each([
    "https://acme.app.spacelift.io/graphql",
    "http://acme.app.spacelift.io",
    "acme.app.spacelift.io",
  ])("refuses the endpoint %s", (endpoint) => {
    expect(errorsOf({ endpoint })).toEqual([expect.stringMatching(/^vendor\.endpoint: must be an https URL/)]);
  });

  it("needs an image of the user's where Spacelift publishes none", () => {
    expect(errorsOf({}, {}, { region: "cn-north-1" })).toEqual([
      "compute.ami: must be given: Spacelift publishes no image in China",
    ]);
    expect(errorsOf({}, {}, { region: "cn-north-1", compute: { ami: { id: "ami-12345678" } } })).toEqual([]);
    expect(errorsOf({}, {}, { region: "us-gov-west-1" })).toEqual([]);
  });

  it("refuses what it does not know", () => {
    expect(errorsOf({ apiKeySecret: "test" })).toEqual([expect.stringContaining("apiKeySecret")]);
  });

  describe("sources of variables", () => {
    it("are secrets of the user's, whole or by their keys", () => {
      const secureEnvironment = { GITHUB_TOKEN: { arn: parameterArn }, OTHER: { arn: secretArn } };
      expect(errorsOf({ secureEnvironment, ...byo("SPACELIFT_TOKEN", "SPACELIFT_POOL_PRIVATE_KEY", "MORE") })).toEqual(
        [],
      );
    });

    it("defect 22: never hold a value", () => {
      expect(errorsOf({ secureEnvironment: { GITHUB_TOKEN: "test-token" } })).toHaveLength(1);
      expect(errorsOf({}, { workerPoolToken: "test-token" })).toEqual([
        "secrets.workerPoolToken: must be { arn: … } or { variable: … }: the secret itself never belongs in a config file",
      ]);
    });

    it("are one for each variable", () => {
      const secureEnvironment = { MORE: { arn: parameterArn } };
      expect(errorsOf({ secureEnvironment, ...byo("MORE") })).toEqual([
        "vendor.byo.secretsManager.keys: must not name MORE: secureEnvironment sets it already",
      ]);
      const source = { arn: parameterArn };
      expect(errorsOf(byo("SPACELIFT_TOKEN"), { workerPoolToken: source, poolPrivateKey: source })).toEqual([
        "secrets.workerPoolToken: must be left out: vendor.byo.secretsManager sets SPACELIFT_TOKEN",
      ]);
    });

    it("bring no variable that the stack sets itself", () => {
      const secureEnvironment = {
        SPACELIFT_TOKEN: { arn: parameterArn },
        SPACELIFT_METADATA_asg_id: { arn: parameterArn },
      };
      expect(errorsOf({ secureEnvironment }).sort()).toEqual([
        "vendor.secureEnvironment.SPACELIFT_METADATA_asg_id: must not be set here: use nothing, the fleet recognizes its workers by it",
        "vendor.secureEnvironment.SPACELIFT_TOKEN: must not be set here: use secrets.workerPoolToken",
      ]);
      expect(errorsOf(byo("SPACELIFT_TOKEN", "SPACELIFT_WORKER_COMMS_URL"))).toEqual([
        "vendor.byo.secretsManager.keys: must not name SPACELIFT_WORKER_COMMS_URL: use vendor.commsUrl",
      ]);
    });

    it.each(["1X", "A-B", "A B", "", "AGENT_FLEETS_REGION", "A=1"])("have no variable named %j", (name) => {
      expect(errorsOf({ secureEnvironment: { [name]: { arn: secretArn } } })).toHaveLength(1);
      expect(errorsOf(byo(name))).toHaveLength(1);
    });

    it("by keys are of Secrets Manager: a parameter has none", () => {
      expect(errorsOf({ byo: { secretsManager: { arn: parameterArn, keys: ["A"] } } })).toEqual([
        "vendor.byo.secretsManager.arn: must be the ARN of a Secrets Manager secret",
      ]);
    });
  });

  describe("configuration", () => {
    it.each([
      "SPACELIFT_TOKEN=x",
      "export SPACELIFT_TOKEN=x",
      "  export A=1 SPACELIFT_TOKEN=x",
      "true && export SPACELIFT_TOKEN=x",
      "echo; SPACELIFT_TOKEN=x",
      'set -e\n\texport SPACELIFT_TOKEN="$(cat /x)"\n',
      "declare -x SPACELIFT_TOKEN=x",
    ])("may not set what the stack sets: %j", (configuration) => {
      expect(errorsOf({ configuration })).toEqual([
        "vendor.configuration: must not set SPACELIFT_TOKEN: use secrets.workerPoolToken",
      ]);
    });

    it.each([
      "export SPACELIFT_SENSITIVE_OUTPUT_UPLOAD_ENABLED=true",
      "# SPACELIFT_TOKEN=x is set by the fleet",
      'echo "$SPACELIFT_TOKEN" | wc -c',
      "export MY_SPACELIFT_TOKEN=x",
      "[[ -n ${SPACELIFT_TOKEN} ]]",
      "export SPACELIFT_METADATA_team=platform",
    ])("may hold %j", (configuration) => {
      expect(errorsOf({ configuration })).toEqual([]);
    });
  });

  it("has a URL of its own for polling workers only", () => {
    const commsUrl = "https://spacelift.example.com";
    expect(errorsOf({ commsUrl })).toEqual([]);
    expect(errorsOf({ commsUrl, commsProtocol: "mqtt" })).toEqual(["vendor.commsUrl: must be left out with mqtt"]);
  });

  it.each([
    "s3://bucket",
    "s3://bucket/",
    "https://bucket/key",
    "s3://bucket/*",
    "s3://bucket/a?",
    "s3://bucket/${x}",
  ])("refuses the launcher %s: instances may read exactly one object", (launcherS3Uri) => {
    expect(errorsOf({ selfHosted: { launcherS3Uri } })).toHaveLength(1);
  });

  it.each(namesOfBash)("refuses the variable %s: bash sets it itself", (name) => {
    const arn = "arn:aws:secretsmanager:us-west-2:123456789012:secret:own-AbCdEf";
    expect(errorsOf({ secureEnvironment: { [name]: { arn } } })).toHaveLength(1);
    expect(errorsOf({ byo: { secretsManager: { arn, keys: [name] } } })).toHaveLength(1);
  });

  describe("shell text", () => {
    const warned = (configuration: string) =>
      load({
        "config/fleet.yaml": JSON.stringify({
          ...{ kind: "ec2-fleet", region: "us-west-2", vendor: { ...minimal, configuration } },
        }),
      }).warnings.filter((line) => line.includes("vendor.configuration: has `set -x`"));

    it.each([
      "set -x",
      "set -eux",
      "true; set -euxo pipefail",
      "  set -o xtrace",
      "{ set -v; }",
      "set -e -x",
      "if true; then set -x; fi",
      "for i in 1; do set -x; done",
      "builtin set -x",
      "! set -x",
      "eval 'set -x'",
      "set -euo pipefail -o xtrace",
      "set -eo xtrace",
      "shopt -so xtrace",
      "bash -x /opt/more",
      "exec /bin/sh -eux /opt/more",
    ])("with %j is warned of: the boot log would hold every value", (configuration) => {
      expect(warned(configuration)).toHaveLength(1);
    });

    it.each([
      "set -eu",
      "# set -x",
      "echo set -x",
      "set -o pipefail",
      "set +x",
      "unset -x",
      "shopt -s extglob",
      "bash /opt/more -x",
      "dataset -x",
      "/opt/zsh -x",
    ])("with %j is not", (configuration) => {
      expect(warned(configuration)).toEqual([]);
    });
  });
});
