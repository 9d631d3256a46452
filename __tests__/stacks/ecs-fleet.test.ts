import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import { autoscaleEnv } from "../../handlers/lib/settings/autoscale.ts";
import { webhookEnv } from "../../handlers/lib/settings/webhook.ts";
import { minimal, resources, statements, synthesize, theOnly, theSettings } from "./synth.ts";

const kmsKeyArn = "arn:aws:kms:us-west-2:123456789012:key/11111111-2222-3333-4444-555555555555";

function containerOf(config: unknown) {
  const task = theOnly(synthesize(config), "aws_ecs_task_definition");
  const [container] = JSON.parse(String(task.container_definitions));
  return { task, container };
}

function environmentOf(config: unknown, name: "autoscale" | "webhook"): unknown {
  const functions = synthesize(config).resource.aws_lambda_function ?? {};
  const [, found] = Object.entries(functions).find(([id]) => id.startsWith(name)) ?? [];
  return (found?.environment as { variables: unknown }).variables;
}

describe("the agent's container", () => {
  it("runs the upstream image with our entry point as its command", () => {
    const file = (name: string) => readFileSync(`agents/hcp-terraform/${name}`, "utf8").split("${").join("$${");
    const { container } = containerOf(minimal);
    expect(container).toMatchObject({
      image: "hashicorp/tfc-agent:1.30.2",
      entryPoint: ["/bin/sh", "-c"],
      command: [file("launcher.sh"), "agent-fleets", file("entry-point.sh")],
      linuxParameters: { initProcessEnabled: true },
      stopTimeout: 120,
    });
    expect(container).not.toHaveProperty("user");
  });

  it("defect 8: gets its token by reference, not by value", () => {
    const { container } = containerOf(minimal);
    expect(container.secrets).toEqual([
      {
        name: "TFC_AGENT_TOKEN",
        valueFrom: expect.stringMatching(/aws_secretsmanager_secret\.secret-agentToken\w+\.arn/),
      },
    ]);
    expect(container.environment.map(({ name }: { name: string }) => name)).not.toContain("TFC_AGENT_TOKEN");
  });

  it("is told once how it lives, and pins its version", () => {
    const { container } = containerOf({
      ...minimal,
      agents: { idleTimeoutSeconds: 0, maxLifetimeSeconds: 600 },
      compute: { environment: { HTTP_PROXY: "http://proxy.internal:3128" } },
    });
    expect(container.environment).toEqual([
      { name: "AGENT_FLEETS_IDLE_TIMEOUT_SECONDS", value: "0" },
      { name: "AGENT_FLEETS_MAX_LIFETIME_SECONDS", value: "600" },
      { name: "AGENT_FLEETS_REGISTRATION_GRACE_SECONDS", value: "300" },
      { name: "HTTP_PROXY", value: "http://proxy.internal:3128" },
      { name: "TFC_ADDRESS", value: "https://app.terraform.io" },
      { name: "TFC_AGENT_AUTO_UPDATE", value: "disabled" },
      { name: "TFC_AGENT_LOG_JSON", value: "true" },
      { name: "TFC_AGENT_SINGLE", value: "true" },
    ]);
  });

  it("what a config file says is text, not a Terraform expression", () => {
    const { container } = containerOf({
      ...minimal,
      compute: { environment: { HOSTILE: 'a ${aws_vpc.x.id} %{if} "b"' } },
    });
    expect(container.environment).toContainEqual({ name: "HOSTILE", value: 'a $${aws_vpc.x.id} %%{if} "b"' });
    const stack = synthesize({
      ...minimal,
      consumerRoles: [
        {
          name: "dev",
          policy: {
            Version: "2012-10-17",
            Statement: [{ Effect: "Allow", Action: "s3:*", Resource: "arn:aws:s3:::acme-${aws:PrincipalTag/team}/*" }],
          },
        },
      ],
    });
    expect(JSON.stringify(stack.resource.aws_iam_role_policy)).toContain("acme-$${aws:PrincipalTag/team}/*");
  });

  it("a reusable agent is not told to be single-use", () => {
    const { container } = containerOf({ ...minimal, agents: { singleUse: false } });
    expect(JSON.stringify(container.environment)).not.toContain("TFC_AGENT_SINGLE");
  });

  it("can have a read-only root with writable folders", () => {
    const { container, task } = containerOf({ ...minimal, compute: { readonlyRootFilesystem: true } });
    expect(container.readonlyRootFilesystem).toBe(true);
    expect(container.mountPoints.map((point: { containerPath: string }) => point.containerPath)).toEqual([
      "/home/tfc-agent/.tfc-agent",
      "/tmp",
    ]);
    expect(task.volume).toHaveLength(2);
  });

  it("a new revision exists before the old one goes, so that a launch in between succeeds", () => {
    expect(containerOf(minimal).task.lifecycle).toEqual({ create_before_destroy: true });
  });
});

describe("the functions", () => {
  it("decode the environment and the settings that the stack encodes", () => {
    const config = { ...minimal, agents: { max: 7, min: 2 } };
    const env = z.decode(autoscaleEnv, environmentOf(config, "autoscale") as never);
    expect(env).toMatchObject({ FLEET: "ci", TICK_SECONDS: 10, SETTINGS_TABLE: expect.stringContaining("settings") });
    expect(env.POOLS).toBeUndefined();
    expect(theSettings(synthesize(config))).toMatchObject({
      policy: { min: 2, max: 7, departure: "by-itself" },
      vendor: { type: "hcp-terraform", organization: "acme", agentPool: "aws", demand: "api" },
      capacity: {
        taskDefinition: "ci:${aws_ecs_task_definition.capacity_task-definition_AE558A71.revision}",
        assignPublicIp: "false",
      },
    });
    expect(env.LEDGER_TABLE).toBeUndefined();
    expect(z.decode(webhookEnv, environmentOf(minimal, "webhook") as never)).toMatchObject({ FLEET: "ci" });
  });

  it("share the ledger with notifications alone", () => {
    const config = { ...minimal, vendor: { ...minimal.vendor, demand: "notifications", runTtlSeconds: 600 } };
    const loop = z.decode(autoscaleEnv, environmentOf(config, "autoscale") as never);
    const webhook = z.decode(webhookEnv, environmentOf(config, "webhook") as never);
    expect(loop.LEDGER_TABLE).toBe(webhook.LEDGER_TABLE);
    expect([loop.RUN_TTL_SECONDS, webhook.RUN_TTL_SECONDS]).toEqual([600, 600]);
    expect(loop.API_TOKEN_SECRET_ARN).toBeUndefined();
    const ledger = resources(synthesize(config), "aws_dynamodb_table").find(({ name }) => name === "ci-runs");
    expect(ledger).toMatchObject({
      hash_key: "runId",
      billing_mode: "PAY_PER_REQUEST",
      ttl: { attribute_name: "expiresAt", enabled: true },
    });
  });

  it("Azure DevOps defect 4: the loop runs alone, is not retried and drops what it cannot take at once", () => {
    const stack = synthesize(minimal);
    const [loop] = resources(stack, "aws_lambda_function");
    expect(loop).toMatchObject({
      runtime: "nodejs24.x",
      architectures: ["arm64"],
      timeout: 300,
    });
    expect(theOnly(stack, "aws_lambda_function_event_invoke_config")).toMatchObject({
      maximum_event_age_in_seconds: 60,
      maximum_retry_attempts: 0,
    });
    expect(theOnly(stack, "aws_cloudwatch_event_rule")).toMatchObject({ schedule_expression: "rate(1 minute)" });
  });

  it("asks for no concurrency of the account, where a new one has ten and gives none: a lease keeps passes apart", () => {
    const stack = synthesize(minimal);
    for (const lambda of resources(stack, "aws_lambda_function")) {
      expect(lambda).not.toHaveProperty("reserved_concurrent_executions");
    }
    const table = resources(stack, "aws_dynamodb_table").find(({ name }) => name === "ci-state");
    expect(table).toMatchObject({ hash_key: "key", billing_mode: "PAY_PER_REQUEST", ttl: { enabled: true } });
  });

  it("dead letters are accepted from this schedule alone", () => {
    const queues = resources(synthesize(minimal), "aws_sqs_queue");
    const { name, policy } = queues.find(({ name: each }) => each === "ci-dead-letters") ?? {};
    expect(statements(policy)).toEqual([
      {
        Effect: "Allow",
        Principal: { Service: "events.amazonaws.com" },
        Action: "sqs:SendMessage",
        Resource: expect.stringMatching(new RegExp(`:sqs:us-west-2:.*:${name}$`)),
        Condition: { ArnLike: { "aws:SourceArn": [expect.stringContaining("aws_cloudwatch_event_rule")] } },
      },
    ]);
  });
});

describe("the webhook's door", () => {
  const withDemand = (vendor: object) => synthesize({ ...minimal, vendor: { ...minimal.vendor, ...vendor } });
  const throttles = (vendor: object) => {
    const { route_settings } = theOnly(withDemand(vendor), "aws_apigatewayv2_stage");
    return (route_settings as Record<string, unknown>[]).map((each) => [
      each.route_key,
      each.throttling_rate_limit,
      each.throttling_burst_limit,
    ]);
  };

  it("opens to messages of the vendor only; the gateway answers all else, without a function", () => {
    const stack = withDemand({});
    const keys = resources(stack, "aws_apigatewayv2_route").map(({ route_key }) => route_key);
    expect(keys).toEqual(["POST /notifications", "POST /run-task"]);
    expect(theOnly(stack, "aws_apigatewayv2_stage").depends_on).toHaveLength(2);
  });

  it.each<[string, object, number, number]>([
    ["a minute is lost by a refusal", { demand: "api" }, 10, 20],
    ["a job may be lost by a refusal", { demand: "notifications" }, 200, 400],
    ["the config says so", { webhook: { throttleRatePerSecond: 3, throttleBurst: 4 } }, 3, 4],
  ])("throttles each path on its own, as fits where %s", (_, vendor, rate, burst) => {
    expect(throttles(vendor)).toEqual([
      ["POST /notifications", rate, burst],
      ["POST /run-task", rate, burst],
    ]);
  });

  it("keeps an access log, and counts in it the requests that the throttle turned away", () => {
    const stack = withDemand({});
    const { access_log_settings: log } = theOnly(stack, "aws_apigatewayv2_stage");
    const { destination_arn, format } = log as { destination_arn: string; format: string };
    expect(destination_arn).toContain("access-log");
    // Strings in the log, as the filter expects them.
    expect(JSON.parse(format)).toMatchObject({ fleet: "ci", status: "$context.status" });
    expect(theOnly(stack, "aws_cloudwatch_log_metric_filter")).toMatchObject({
      log_group_name: expect.stringContaining("access-log"),
      pattern: '{ $.status = "429" }',
      metric_transformation: {
        namespace: "AgentFleets",
        name: "WebhookThrottled",
        value: "1",
        dimensions: { Fleet: "$.fleet" },
      },
    });
  });

  it("does not exist where the config turns it off", () => {
    const stack = synthesize({ ...minimal, vendor: { ...minimal.vendor, webhook: { enabled: false } } });
    expect(resources(stack, "aws_apigatewayv2_api")).toEqual([]);
    expect(resources(stack, "aws_lambda_function")).toHaveLength(1);
    expect(stack.output).not.toHaveProperty("webhook_url");
  });
});

describe("secrets", () => {
  it("are created empty where the config is silent", () => {
    const stack = synthesize(minimal);
    expect(resources(stack, "aws_secretsmanager_secret").map((secret) => secret.name)).toEqual([
      "agent-fleets/ci/agent-token",
      "agent-fleets/ci/api-token",
      "agent-fleets/ci/notification-token",
    ]);
    expect(resources(stack, "aws_secretsmanager_secret_version")).toEqual([]);
    expect(stack.variable).toBeUndefined();
  });

  it("defect 8: from a variable they are ephemeral and written only", () => {
    const stack = synthesize({ ...minimal, secrets: { agentToken: { variable: "tfc_agent_token", version: 3 } } });
    expect(stack.variable?.tfc_agent_token).toMatchObject({ ephemeral: true, sensitive: true, type: "string" });
    const version = theOnly(stack, "aws_secretsmanager_secret_version");
    expect(version).toMatchObject({
      secret_string_wo: "${trimspace(var.tfc_agent_token)}",
      secret_string_wo_version: 3,
    });
    expect(version).not.toHaveProperty("secret_string");
    expect(JSON.stringify(stack.resource).split("var.tfc_agent_token")).toHaveLength(2);
  });

  it("by ARN nothing is created and exactly that one is readable", () => {
    const arn = "arn:aws:ssm:us-west-2:123456789012:parameter/ci/tfc";
    const stack = synthesize({ ...minimal, secrets: { agentToken: { arn } } });
    expect(resources(stack, "aws_secretsmanager_secret")).toHaveLength(2);
    const policies = JSON.stringify(stack.resource.aws_iam_role_policy);
    expect(policies).toContain("ssm:GetParameters");
    expect(policies).toContain(arn);
  });
});

describe("encryption", () => {
  it("uses the customer managed key everywhere it fits", () => {
    const stack = synthesize({ ...minimal, kmsKeyArn, vendor: { ...minimal.vendor, demand: "notifications" } });
    const used: [type: string, attribute: string][] = [
      ["aws_cloudwatch_log_group", "kms_key_id"],
      ["aws_secretsmanager_secret", "kms_key_id"],
      ["aws_lambda_function", "kms_key_arn"],
      ["aws_sns_topic", "kms_master_key_id"],
      ["aws_sqs_queue", "kms_master_key_id"],
    ];
    for (const [type, attribute] of used) {
      expect(resources(stack, type).length).toBeGreaterThan(0);
      for (const resource of resources(stack, type)) {
        // Its messages hold a time and nothing else.
        if (resource.name !== "ci-next-looks") expect(resource[attribute]).toBe(kmsKeyArn);
      }
    }
    for (const table of resources(stack, "aws_dynamodb_table")) {
      expect(table.server_side_encryption).toEqual({ enabled: true, kms_key_arn: kmsKeyArn });
    }
  });
});

describe("a secret that is one key of a JSON secret", () => {
  const whole = "arn:aws:secretsmanager:us-west-2:111122223333:secret:ci/hcp-AbCdEf";
  const secrets = {
    agentToken: { arn: `${whole}:agent::` },
    apiToken: { arn: `${whole}:api::` },
    notificationToken: { arn: `${whole}:hook::` },
  };

  it("goes to ECS and the functions by its key, while the right to read is on the secret", () => {
    const stack = synthesize({ ...minimal, secrets });
    const { container } = containerOf({ ...minimal, secrets });
    expect(container.secrets).toContainEqual({ name: "TFC_AGENT_TOKEN", valueFrom: `${whole}:agent::` });
    expect(JSON.stringify(resources(stack, "aws_lambda_function"))).toContain(`${whole}:hook::`);
    const rights = resources(stack, "aws_iam_role_policy").flatMap(({ policy }) => statements(policy));
    const readers = rights.filter(({ Action }) => [Action].flat().includes("secretsmanager:GetSecretValue"));
    expect(readers.length).toBeGreaterThan(1);
    for (const { Resource } of readers) expect(Resource).toEqual([whole]);
  });
});

describe("the output next_steps, which Terraform prints after a deploy", () => {
  it.each([
    [minimal, []],
    [
      { ...minimal, vendor: { type: "azure-devops", organization: "acme", poolName: "aws", poolId: 1 } },
      ["npm run fleet -- image build ci"],
    ],
  ])("names the commands that follow", (config, image) => {
    expect(synthesize(config).output?.next_steps?.value).toEqual([
      ...image,
      "npm run fleet -- secret list ci",
      "npm run fleet -- status ci",
    ]);
  });
});
