import { describe, expect, it } from "vitest";
import { web, withServices } from "./ecs-cluster.ts";
import { resources, rightsOf, type Synthesized, theOnly } from "./synth.ts";

const serviceOf = (service: object) => theOnly(withServices([{ ...web, ...service }]), "aws_ecs_service");

function containerOf(stack: Synthesized) {
  const task = theOnly(stack, "aws_ecs_task_definition");
  const [container] = JSON.parse(String(task.container_definitions));
  return { task, container };
}

describe("a service", () => {
  it("runs on the cluster's hosts, spread over zones and hosts, and a bad version is rolled back", () => {
    expect(serviceOf({ desiredCount: 3 })).toMatchObject({
      desired_count: 3,
      scheduling_strategy: "REPLICA",
      capacity_provider_strategy: [{ capacity_provider: expect.stringContaining("capacity-provider"), weight: 1 }],
      ordered_placement_strategy: [
        { type: "spread", field: "attribute:ecs.availability-zone" },
        { type: "spread", field: "instanceId" },
      ],
      deployment_circuit_breaker: { enable: true, rollback: true },
      deployment_minimum_healthy_percent: 100,
      deployment_maximum_percent: 200,
      propagate_tags: "SERVICE",
    });
  });

  it("defect 2: is placed as the config says", () => {
    const placement = {
      strategies: [{ type: "binpack", field: "memory" }, { type: "random" }],
      constraints: [{ type: "distinctInstance" }, { type: "memberOf", expression: "attribute:ecs.os-type == linux" }],
    };
    expect(serviceOf({ placement })).toMatchObject({
      ordered_placement_strategy: placement.strategies,
      placement_constraints: placement.constraints,
    });
  });

  it("as a daemon runs on every host, in place of its old version", () => {
    const daemon = serviceOf({ daemon: true, loadBalancer: undefined });
    expect(daemon).toMatchObject({
      scheduling_strategy: "DAEMON",
      launch_type: "EC2",
      deployment_minimum_healthy_percent: 0,
      deployment_maximum_percent: 100,
    });
    for (const key of ["desired_count", "capacity_provider_strategy", "ordered_placement_strategy"])
      expect(daemon).not.toHaveProperty(key);
  });

  it("defect 3: scales with its load, and Terraform does not scale it back", () => {
    const stack = withServices([{ ...web, autoScaling: { min: 2, max: 9, cpuPercent: 60, requestsPerTask: 100 } }]);
    expect(theOnly(stack, "aws_appautoscaling_target")).toMatchObject({
      resource_id: expect.stringMatching(/^service\/apps\//),
      min_capacity: 2,
      max_capacity: 9,
    });
    const policies = resources(stack, "aws_appautoscaling_policy").map(
      (policy) => policy.target_tracking_scaling_policy_configuration,
    );
    expect(policies).toMatchObject([
      {
        target_value: 100,
        predefined_metric_specification: { resource_label: expect.stringMatching(/arn_suffix\}\/\$\{.*arn_suffix\}$/) },
      },
      {
        target_value: 60,
        predefined_metric_specification: { predefined_metric_type: "ECSServiceAverageCPUUtilization" },
      },
    ]);
    expect(theOnly(stack, "aws_ecs_service").lifecycle).toEqual({ ignore_changes: ["desired_count"] });
  });

  it("leaves the versions of a pipeline alone", () => {
    expect(serviceOf({ deployedBy: "pipeline" }).lifecycle).toEqual({ ignore_changes: ["task_definition"] });
    expect(serviceOf({})).not.toHaveProperty("lifecycle");
  });

  it("gets secrets by reference and the right to exactly those", () => {
    const secret = "arn:aws:secretsmanager:us-west-2:123456789012:secret:web-AbCdEf";
    const parameter = "arn:aws:ssm:us-west-2:123456789012:parameter/web/key";
    const registry = "arn:aws:secretsmanager:us-west-2:123456789012:secret:registry-AbCdEf";
    const stack = withServices([
      { ...web, secrets: { B: `${secret}:password::`, A: parameter }, repositoryCredentialsArn: registry },
    ]);
    const { container } = containerOf(stack);
    expect(container.secrets).toEqual([
      { name: "A", valueFrom: parameter },
      { name: "B", valueFrom: `${secret}:password::` },
    ]);
    expect(container.repositoryCredentials).toEqual({ credentialsParameter: registry });
    const rights = rightsOf(stack, "web-exec").slice(0, 2);
    expect(rights.map(({ Action, Resource }) => [Action, Resource])).toEqual([
      [["secretsmanager:GetSecretValue"], [secret, registry]],
      [["ssm:GetParameters"], [parameter]],
    ]);
  });

  it("defect 5: its tasks may do nothing but what the config says, under the boundary", () => {
    const boundary = "arn:aws:iam::123456789012:policy/boundary";
    expect(
      Object.keys(withServices([web]).resource.aws_iam_role_policy ?? {}).filter((id) => /web-task/.test(id)),
    ).toEqual([]);
    const statements = [{ actions: ["s3:GetObject"], resources: ["arn:aws:s3:::acme/*"] }];
    const stack = withServices([{ ...web, statements }], { iam: { permissionsBoundaryArn: boundary } });
    expect(rightsOf(stack, "web-task")).toEqual([
      { Effect: "Allow", Action: ["s3:GetObject"], Resource: ["arn:aws:s3:::acme/*"] },
    ]);
    for (const role of resources(stack, "aws_iam_role")) expect(role.permissions_boundary).toBe(boundary);
  });

  it("mounts EFS encrypted, with the right to that access point alone, and folders of the host", () => {
    const efs = { fileSystemId: "fs-0123456789abcdef0", accessPointId: "fsap-0123456789abcdef0" };
    const stack = withServices([
      {
        ...web,
        volumes: [
          { name: "data", mountPath: "/data", efs },
          { name: "proc", mountPath: "/host/proc", hostPath: "/proc", readOnly: true },
        ],
      },
    ]);
    const { task, container } = containerOf(stack);
    expect(task.volume).toMatchObject([
      {
        name: "data",
        efs_volume_configuration: {
          file_system_id: efs.fileSystemId,
          transit_encryption: "ENABLED",
          authorization_config: { access_point_id: efs.accessPointId, iam: "ENABLED" },
        },
      },
      { name: "proc", host_path: "/proc" },
    ]);
    expect(container.mountPoints).toEqual([
      { sourceVolume: "data", containerPath: "/data", readOnly: false },
      { sourceVolume: "proc", containerPath: "/host/proc", readOnly: true },
    ]);
    expect(rightsOf(stack, "web-task")).toEqual([
      {
        Effect: "Allow",
        Action: ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"],
        Resource: [expect.stringMatching(/:file-system\/fs-0123456789abcdef0$/)],
        Condition: {
          StringEquals: {
            "elasticfilesystem:AccessPointArn": expect.stringMatching(/:access-point\/fsap-0123456789abcdef0$/),
          },
        },
      },
    ]);
  });

  it("lets operators in by ECS Exec, with a log of each session", () => {
    const stack = withServices([{ ...web, executeCommand: true }]);
    expect(theOnly(stack, "aws_ecs_service").enable_execute_command).toBe(true);
    const actions = rightsOf(stack, "web-task").flatMap(({ Action }) => Action);
    expect(actions).toContain("ssmmessages:OpenDataChannel");
    expect(actions).toContain("logs:PutLogEvents");
    expect(theOnly(stack, "aws_ecs_cluster")).toMatchObject({
      configuration: {
        execute_command_configuration: {
          logging: "OVERRIDE",
          log_configuration: { cloud_watch_log_group_name: expect.stringContaining("exec-log") },
        },
      },
    });
  });

  it("is written as ECS stores it, so that a deploy without a change makes no new task definition", () => {
    const healthCheck = { command: ["true"] };
    const { container } = containerOf(withServices([{ ...web, capabilities: ["IPC_LOCK", "SYS_TIME"], healthCheck }]));
    expect(container.linuxParameters).toEqual({
      initProcessEnabled: true,
      capabilities: { add: ["IPC_LOCK", "SYS_TIME"], drop: [] },
    });
    expect(container.healthCheck).toEqual({ command: ["CMD", "true"], interval: 30, timeout: 5, retries: 3 });
    const started = containerOf(withServices([{ ...web, healthCheck: { ...healthCheck, startPeriodSeconds: 9 } }]));
    expect(started.container.healthCheck.startPeriod).toBe(9);
    // ECS drops empty capabilities.
    expect(containerOf(withServices([web])).container.linuxParameters).toEqual({ initProcessEnabled: true });
  });

  it("takes what stands in the config as text, in every field", () => {
    const hostile = 'a ${aws_vpc.x.id} %{if} "b"';
    const { container } = containerOf(
      withServices([{ ...web, environment: { X: hostile }, command: [hostile], healthCheck: { command: [hostile] } }]),
    );
    const escaped = 'a $${aws_vpc.x.id} %%{if} "b"';
    expect(container).toMatchObject({
      environment: [{ name: "X", value: escaped }],
      command: [escaped],
      healthCheck: { command: ["CMD", escaped] },
    });
  });
});

describe("outputs", () => {
  it("have the names that earlier modules had", () => {
    const { output } = withServices([web], { network: { create: {} } });
    expect(Object.keys(output ?? {})).toEqual(
      expect.arrayContaining([
        "cluster_id",
        "instance_security_group_id",
        "alb_security_group_id",
        "default_alb_target_group",
        "vpc_id",
        "private_subnet_ids",
        "public_subnet_ids",
      ]),
    );
    expect(output?.default_alb_target_group?.value).toContain("target-web");
  });
});
