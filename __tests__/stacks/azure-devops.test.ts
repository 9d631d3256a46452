import { describe, expect, it } from "vitest";
import { containersOf, single } from "./azure-devops.ts";
import { resources, rightsOf, synthesize, theOnly } from "./synth.ts";

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
      { name: "AGENT_FLEETS_REGISTRATION_GRACE_SECONDS", value: "300" },
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
        expect.objectContaining({
          Action: ["secretsmanager:GetSecretValue"],
          Resource: [expect.stringContaining("secret-pat"), secret],
        }),
        expect.objectContaining({ Resource: expect.arrayContaining([expect.stringMatching(/repository\/db$/)]) }),
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
