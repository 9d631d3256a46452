import { describe, expect, it } from "vitest";
import * as z from "zod";
import { autoscaleEnv } from "../../handlers/autoscale/env.ts";
import { poolsOf } from "../../handlers/autoscale/pools.ts";
import { retireEnv } from "../../handlers/retire/env.ts";
import { ConfigError } from "../../stacks/config/errors.ts";
import { resources, rightsOf, type Synthesized, synthesize, theOnly } from "./synth.ts";

const single = {
  kind: "ecs-fleet",
  region: "eu-west-1",
  vendor: { type: "azure-devops", organization: "acme", poolName: "aws" },
} as const;
const pool = (key: string, more = {}) => ({ key, name: `Pool ${key}`, ...more });
const pooled = (pools: readonly object[], more = {}) => ({
  ...single,
  vendor: { type: "azure-devops", organization: "acme" },
  pools,
  ...more,
});

function variablesOf(stack: Synthesized, of: "autoscale" | "retirement_retire" = "autoscale"): Record<string, string> {
  const [, found] = Object.entries(stack.resource.aws_lambda_function ?? {}).find(([id]) => id.startsWith(of)) ?? [];
  return (found?.environment as { variables: Record<string, string> }).variables;
}

/** What the loop takes the agents of each pool to offer, as the vendor's runtime half puts it together. */
function capabilitiesOf(stack: Synthesized): readonly Readonly<Record<string, string>>[] {
  return poolsOf(z.decode(autoscaleEnv, variablesOf(stack) as never)).map(({ vendor }) =>
    vendor.type === "azure-devops" ? { ...vendor.capabilities, ...vendor.poolCapabilities } : {},
  );
}

const ofImage = {
  "Agent.OS": "Linux",
  "Agent.OSArchitecture": "X64",
  "Agent.Version": "4.999.0",
  bash: "/bin/bash",
  curl: "/usr/bin/curl",
  git: "/usr/bin/git",
  jq: "/usr/bin/jq",
  sh: "/bin/sh",
};

function containersOf(stack: Synthesized) {
  return resources(stack, "aws_ecs_task_definition").map(({ family, container_definitions: definitions }) => ({
    family,
    ...JSON.parse(String(definitions))[0],
  }));
}

describe("an agent of Azure DevOps", () => {
  const stack = synthesize(single);
  const [container] = containersOf(stack);

  it("runs the image that the stack builds, with the process 1 that the image brings", () => {
    expect(container.image).toMatch(/aws_ecr_repository\..*repository_url}:agent$/);
    expect(container).not.toHaveProperty("entryPoint");
    expect(container).not.toHaveProperty("command");
    expect(container.linuxParameters).toEqual({ initProcessEnabled: false });
    expect(rightsOf(stack, "capacity_execution")).toContainEqual(
      expect.objectContaining({ Action: ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"] }),
    );
    expect(theOnly(stack, "aws_codebuild_project").name).toBe("ci-image");
  });

  it("defect 7: gets its credential by reference", () => {
    expect(container.secrets).toEqual([{ name: "AZP_TOKEN", valueFrom: expect.stringMatching(/secret-pat\w+\.arn/) }]);
    expect(container.environment).toEqual([
      { name: "AZP_POOL", value: "aws" },
      { name: "AZP_URL", value: "https://dev.azure.com/acme" },
    ]);
  });

  it("defect 8: has a log and a role of its own", () => {
    expect(container.logConfiguration.options["awslogs-group"]).toMatch(
      /aws_cloudwatch_log_group\.capacity_agent-logs/,
    );
    expect(theOnly(stack, "aws_ecs_task_definition").task_role_arn).toMatch(/capacity_task/);
  });

  it("runs an image that the config names, and then none is built", () => {
    const named = synthesize({ ...single, compute: { image: "123456789012.dkr.ecr.eu-west-1.amazonaws.com/ado:1" } });
    expect(containersOf(named)[0].image).toBe("123456789012.dkr.ecr.eu-west-1.amazonaws.com/ado:1");
    expect(resources(named, "aws_codebuild_project")).toEqual([]);
    expect(resources(named, "aws_ecr_repository")).toEqual([]);
  });

  it("may sign in as a service principal", () => {
    const principal = {
      tenantId: "11111111-2222-3333-4444-555555555555",
      clientId: "66666666-7777-8888-9999-000000000000",
    };
    const [signed] = containersOf(synthesize({ ...single, vendor: { ...single.vendor, servicePrincipal: principal } }));
    expect(signed.secrets).toEqual([
      { name: "AZP_CLIENTSECRET", valueFrom: expect.stringMatching(/secret-clientSecret/) },
    ]);
    expect(signed.environment).toContainEqual({ name: "AZP_TENANTID", value: principal.tenantId });
  });
});

describe("variables of Azure DevOps agents", () => {
  const reference = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:ci/db-AbCdEf";
  const variable = (stack: Synthesized, name: string, index = 0) =>
    containersOf(stack)[index].environment.find((each: { name: string }) => each.name === name)?.value;

  it("defect 7: that are secrets are not published as capabilities, beside what the config hides itself", () => {
    const secrets = { NPM_TOKEN: `${reference}:npm::`, DB_PASSWORD: reference };
    expect(variable(synthesize({ ...single, compute: { secrets } }), "VSO_AGENT_IGNORE")).toBe("NPM_TOKEN,DB_PASSWORD");
    const environment = { VSO_AGENT_IGNORE: "MINE, YOURS,", MINE: "a" };
    const stack = synthesize({ ...single, compute: { secrets, environment } });
    expect(variable(stack, "VSO_AGENT_IGNORE")).toBe("MINE,YOURS,NPM_TOKEN,DB_PASSWORD");
    expect(containersOf(stack)[0].secrets).toContainEqual({ name: "NPM_TOKEN", valueFrom: secrets.NPM_TOKEN });
    expect(variable(synthesize(single), "VSO_AGENT_IGNORE")).toBeUndefined();
  });

  it("defect 7: of a pool that hides others hide the secrets too", () => {
    const own = pool("own", { compute: { environment: { VSO_AGENT_IGNORE: "A" } } });
    const stack = synthesize(pooled([own, pool("usual")], { compute: { secrets: { DB_PASSWORD: reference } } }));
    expect([0, 1].map((index) => variable(stack, "VSO_AGENT_IGNORE", index))).toEqual(["A,DB_PASSWORD", "DB_PASSWORD"]);
  });

  it("are what jobs may demand, as far as agents publish them", () => {
    const environment = {
      BUILD_CLASS: "usual",
      TEXT: "${not} %{terraform}",
      HIDDEN: "x",
      VSO_AGENT_IGNORE: "HIDDEN",
      LONG: "x".repeat(1024),
      VSTS_AGENT_INPUT_PROXYURL: "http://proxy",
      TERM: "xterm",
      GIT: "an old one",
    };
    const compute = { environment, secrets: { DB_PASSWORD: reference } };
    const stack = synthesize({ ...single, compute });
    const escaped = { ...ofImage, BUILD_CLASS: "usual", TEXT: "$${not} %%{terraform}" };
    expect(capabilitiesOf(stack)).toEqual([escaped]);
  });

  it("are each pool's own, said once where they are the same in all of them", () => {
    const pools = [
      pool("usual"),
      pool("large", { compute: { environment: { BUILD_CLASS: "large", VSO_AGENT_IGNORE: "PLACE" } } }),
      pool("tools", { capabilities: { build_class: "tools", kubectl: "1.33" } }),
    ];
    const compute = { environment: { BUILD_CLASS: "usual", PLACE: "aws", OWNER: "platform" } };
    const stack = synthesize(pooled(pools, { compute }));
    expect(capabilitiesOf(stack)).toEqual([
      { ...ofImage, OWNER: "platform", BUILD_CLASS: "usual", PLACE: "aws" },
      { ...ofImage, OWNER: "platform", BUILD_CLASS: "large" },
      { ...ofImage, OWNER: "platform", build_class: "tools", PLACE: "aws", kubectl: "1.33" },
    ]);
    expect(variablesOf(stack).POOLS).not.toContain("OWNER");
  });
});

const limits = { min: 10, max: 1000, buffer: "10%" };
const arn = `arn:aws-us-gov:secretsmanager:us-gov-west-1:123456789012:secret:${"s".repeat(80)}`;

/** Of a text when Terraform has put in what it knows. */
function lengthOf(text: string): number {
  const known = text.replaceAll(/\$\{[^}]+\.arn\}/g, arn).replaceAll(/\$\{[^}]+\.revision\}/g, "99999");
  return known.replaceAll(/\$\{[^}]+\}/g, "subnet-0123456789abcdef0").length;
}

describe("several pools", () => {
  const stack = synthesize(
    pooled([pool("linux", { max: 30 }), pool("large", { min: 1, id: 9, compute: { cpu: 4096, memoryMiB: 16384 } })]),
  );

  it("have a task definition each, which the loop may run and no other", () => {
    expect(containersOf(stack).map(({ family }) => family)).toEqual(["ci_large", "ci_linux"]);
    expect(resources(stack, "aws_ecs_task_definition").map(({ cpu }) => cpu)).toEqual(["4096", "1024"]);
    expect(rightsOf(stack, "autoscale").find(({ Action }) => Action.includes("ecs:RunTask"))?.Resource).toEqual([
      expect.stringMatching(/task-definition\/ci_linux:\*$/),
      expect.stringMatching(/task-definition\/ci_large:\*$/),
    ]);
  });

  it("reach the loop whole: what is different, over what is the same", () => {
    const pools = poolsOf(z.decode(autoscaleEnv, variablesOf(stack) as never));
    expect(pools).toMatchObject([
      { pool: "linux", fleet: "ci.linux", policy: { min: 0, max: 30 }, vendor: { pool: { name: "Pool linux" } } },
      { pool: "large", fleet: "ci.large", policy: { min: 1, max: 10 }, vendor: { pool: { id: 9 } } },
    ]);
    const families = pools.map(({ capacity }) => ("taskDefinition" in capacity ? capacity.taskDefinition : ""));
    expect(families).toEqual([expect.stringMatching(/^ci_linux:\$/), expect.stringMatching(/^ci_large:\$/)]);
  });

  it.each([
    ["of the longest names", "a-stack-whose-name-has-forty-characters1", "pool-of-length-2", {}],
    ["with limits and a machine of their own", "azure-devops-agents", "linux-", { ...limits, compute: { spot: true } }],
  ])("fit the environment of a Lambda, eight %s with capabilities of their own", (_, stackName, prefix, more) => {
    const eight = Array.from({ length: 8 }, (_each, index) =>
      pool(`${prefix}${index}ab`, {
        id: 2_147_483_640 + index,
        capabilities: { [`kubectl-${index}`]: "1.33", [`helm-${index}`]: "3.18" },
        ...more,
      }),
    );
    const capabilities = { terraform: "1.11.4", python: "3.12", java: "21" };
    const stack = synthesize(pooled(eight, { vendor: { ...pooled([]).vendor, capabilities } }), stackName);
    for (const of of ["autoscale", "retirement_retire"] as const) {
      const variables = Object.entries(variablesOf(stack, of));
      expect(variables.reduce((sum, [name, value]) => sum + name.length + lengthOf(value), 0)).toBeLessThan(4096);
    }
    expect(capabilitiesOf(stack)).toEqual(
      eight.map((each) => ({ ...ofImage, ...capabilities, ...("capabilities" in each && Object(each.capabilities)) })),
    );
    const { POOLS: retired = [] } = z.decode(retireEnv, variablesOf(stack, "retirement_retire") as never);
    expect(retired[1]?.vendor).toEqual({
      pool: { id: 2_147_483_641 },
      poolCapabilities: { "kubectl-1": "1.33", "helm-1": "3.18" },
    });
  });

  it("are refused, with the reason, where the environment of a Lambda has no room for them", () => {
    const capabilities = Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`tool-${index}`, "1.0"]));
    const many = ["aa", "bb", "cc", "dd", "ee"].map((key) =>
      pool(key, { capabilities: { ...capabilities, [key]: "" } }),
    );
    expect(() => synthesize(pooled(many))).not.toThrow();
    const own = many.map(({ key, ...rest }) => ({
      ...rest,
      key,
      capabilities: Object.fromEntries(Object.keys(capabilities).map((name) => [`${name}-${key}`, "1.0"])),
    }));
    expect(() => synthesize(pooled(own))).toThrow(ConfigError);
    expect(() => synthesize(pooled(own))).toThrow(
      /^config\/ci\.yaml: pools: must be shorter: the settings of function ci-\w+ need about \d{4} bytes \(POOLS \d{4}, .*Lambda takes 4096\. Shorten/,
    );
  });

  it("have alarms and widgets of their own; what is the fleet's is there once", () => {
    const names = resources(stack, "aws_cloudwatch_metric_alarm").map(({ alarm_name: name }) => String(name));
    expect(names).toEqual(expect.arrayContaining(["ci-linux-queue-wait", "ci-large-queue-wait", "ci-loop-failing"]));
    expect(names).not.toContain("ci-queue-wait");
    const wait = resources(stack, "aws_cloudwatch_metric_alarm").find(
      ({ alarm_name: name }) => name === "ci-large-queue-wait",
    );
    expect(wait).toMatchObject({ dimensions: { Fleet: "ci", Pool: "large" }, namespace: "AgentFleets" });
    const { widgets } = JSON.parse(String(theOnly(stack, "aws_cloudwatch_dashboard").dashboard_body));
    const titles = widgets.map(({ properties }: { properties: { title: string } }) => properties.title);
    expect(titles).toEqual(expect.arrayContaining(["linux: Jobs", "large: Jobs", "Function errors"]));
  });

  it("defect 9: alarms tell a state, not an edge: each says what missing data means and tells again when it is over", () => {
    for (const alarm of resources(stack, "aws_cloudwatch_metric_alarm")) {
      expect(["breaching", "notBreaching"]).toContain(alarm.treat_missing_data);
      expect(alarm.ok_actions).toEqual(alarm.alarm_actions);
    }
  });
});

describe("the webhook for service hooks", () => {
  it("is there when asked for, and tells its URL", () => {
    const stack = synthesize({ ...single, vendor: { ...single.vendor, webhook: { enabled: true } } });
    expect(stack.output?.webhook_url?.value).toMatch(/\/service-hook$/);
    expect(stack.output).not.toHaveProperty("run_task_url");
    expect(synthesize(single).output).not.toHaveProperty("webhook_url");
  });
});

describe("what stands beside an agent", () => {
  const secret = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:ci/db-AbCdEf";
  const stack = synthesize({
    ...single,
    compute: {
      secrets: { DB_PASSWORD: `${secret}:password::` },
      volumes: [
        {
          name: "cache",
          mountPath: "/cache",
          efs: { fileSystemId: "fs-0123456789abcdef0", accessPointId: "fsap-0123456789abcdef0" },
        },
        { name: "scratch", mountPath: "/scratch" },
      ],
      sidecars: [
        {
          name: "db",
          image: "123456789012.dkr.ecr.eu-west-1.amazonaws.com/db:17",
          memoryMiB: 512,
          mounts: ["scratch"],
        },
      ],
    },
  });
  const [agent, db] = JSON.parse(String(theOnly(stack, "aws_ecs_task_definition").container_definitions));

  it("is in the same task and ends with the agent, never the other way round", () => {
    expect([agent.essential, db.essential]).toEqual([true, false]);
    expect(db).toMatchObject({
      name: "db",
      memory: 512,
      mountPoints: [{ sourceVolume: "scratch", containerPath: "/scratch" }],
    });
    expect(agent.mountPoints).toHaveLength(2);
    expect(db.logConfiguration.options["awslogs-stream-prefix"]).toBe("db");
  });

  it("may be started, read and mounted, and nothing else of its kind", () => {
    expect(agent.secrets).toContainEqual({ name: "DB_PASSWORD", valueFrom: `${secret}:password::` });
    expect(rightsOf(stack, "capacity_execution")).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ Action: ["secretsmanager:GetSecretValue"], Resource: [secret] }),
        expect.objectContaining({ Resource: [expect.stringMatching(/repository\/db$/)] }),
      ]),
    );
    expect(rightsOf(stack, "capacity_task")).toEqual([
      {
        Effect: "Allow",
        Action: ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"],
        Resource: [expect.stringMatching(/file-system\/fs-0123456789abcdef0$/)],
        Condition: {
          StringEquals: {
            "elasticfilesystem:AccessPointArn": expect.stringMatching(/access-point\/fsap-0123456789abcdef0$/),
          },
        },
      },
    ]);
  });

  it.each([
    [
      { sidecars: [{ name: "db", image: "db:17", mounts: ["absent"] }] },
      /must mount volumes of compute\.volumes, which has no absent/,
    ],
    [{ sidecars: [{ name: "agent", image: "db:17" }] }, /must not be agent/],
    [
      { volumes: [{ name: "host", mountPath: "/host", hostPath: "/var" }] },
      /must not have a hostPath without capacityProvider/,
    ],
    [
      {
        volumes: [
          { name: "a", mountPath: "/a" },
          { name: "a", mountPath: "/b" },
        ],
      },
      /must not have two of the name a/,
    ],
    [{ secrets: { A: secret }, environment: { A: "x" } }, /must not repeat compute\.environment's A/],
  ])("is refused as %j", (compute, error) => {
    expect(() => synthesize({ ...single, compute })).toThrow(error);
  });
});
