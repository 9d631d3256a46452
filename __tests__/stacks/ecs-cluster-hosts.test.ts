import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { synthCluster } from "./ecs-cluster.ts";
import { resources, rightsOf, type Synthesized, statements, theOnly } from "./synth.ts";

const kmsKeyArn = "arn:aws:kms:us-west-2:123456789012:key/11111111-2222-3333-4444-555555555555";

const templateOf = (stack: Synthesized) => theOnly(stack, "aws_launch_template");
const groupOf = (stack: Synthesized) => theOnly(stack, "aws_autoscaling_group");
const withHosts = (hosts: object) => synthCluster({ hosts });

interface Part {
  readonly headers: string;
  readonly content: string;
}

const decode = (text: string) => Buffer.from(text, "base64").toString("utf8");

/** The parts of a host's user data, as cloud-init sees them. */
function partsOf(stack: Synthesized): Part[] {
  const mime = decode(String(templateOf(stack).user_data));
  const boundary = /boundary="([^"]+)"/.exec(mime)?.[1] ?? "";
  const [, ...parts] = mime.split(`\n--${boundary}`);
  expect(parts.pop()).toBe("--\n");
  return parts.map((part) => {
    const [headers = "", content = ""] = part.trim().split("\n\n");
    return { headers, content: decode(content) };
  });
}

/** The files that cloud-init writes: path → content. */
function filesOf(stack: Synthesized): Record<string, string> {
  const config = partsOf(stack)[0]?.content ?? "";
  expect(config).toMatch(/^#cloud-config\n/);
  const { write_files } = JSON.parse(config.slice("#cloud-config\n".length));
  return Object.fromEntries(
    write_files.map(({ path, content }: { path: string; content: string }) => [path, decode(content)]),
  );
}

describe("the hosts of a cluster", () => {
  it("run the newest ECS-optimized AMI of their architecture, or a pinned one", () => {
    const parametersOf = (stack: Synthesized) =>
      Object.entries(stack.data.aws_ssm_parameter ?? {}).map(([id, { name }]) => ({
        name,
        isImage: templateOf(stack).image_id === `\${data.aws_ssm_parameter.${id}.insecure_value}`,
      }));
    const folder = "/aws/service/ecs/optimized-ami/amazon-linux-2023";
    expect(parametersOf(synthCluster())).toContainEqual({ name: `${folder}/recommended/image_id`, isImage: true });
    const arm = withHosts({ architecture: "arm64" });
    expect(parametersOf(arm)).toContainEqual({ name: `${folder}/arm64/recommended/image_id`, isImage: true });
    const pinned = withHosts({ amiId: "ami-0123456789abcdef0" });
    expect(templateOf(pinned).image_id).toBe("ami-0123456789abcdef0");
    expect(parametersOf(pinned).filter(({ name }) => String(name).startsWith(folder))).toEqual([]);
  });

  it.each([
    {},
    { instances: { types: ["m7i.large"] } },
  ])("have an image that CreateAutoScalingGroup takes with instances by attributes: %j", (hosts) => {
    expect(templateOf(withHosts(hosts)).image_id).not.toContain("resolve:ssm:");
  });

  it("are chosen by a list, in its order", () => {
    const { mixed_instances_policy: policy } = groupOf(
      withHosts({ instances: { types: ["m7i.large", "m6i.large"] }, onDemandBase: 2, spotPercent: 70 }),
    );
    expect(policy).toMatchObject({
      instances_distribution: {
        on_demand_base_capacity: 2,
        on_demand_percentage_above_base_capacity: 30,
        on_demand_allocation_strategy: "prioritized",
        spot_allocation_strategy: "price-capacity-optimized",
      },
      launch_template: { override: [{ instance_type: "m7i.large" }, { instance_type: "m6i.large" }] },
    });
  });

  it("are chosen by what they must have", () => {
    const instances = { vcpus: { min: 4, max: 8 }, memoryMiB: { min: 8192 }, excludedTypes: ["m5*"] };
    const { mixed_instances_policy: policy } = groupOf(withHosts({ instances, architecture: "arm64" }));
    expect(policy).toMatchObject({
      // AWS takes "prioritized" for lists alone.
      instances_distribution: { on_demand_allocation_strategy: "lowest-price" },
      launch_template: {
        override: [
          {
            instance_requirements: {
              vcpu_count: { min: 4, max: 8 },
              memory_mib: { min: 8192 },
              cpu_manufacturers: ["amazon-web-services"],
              burstable_performance: "excluded",
              excluded_instance_types: ["m5*"],
            },
          },
        ],
      },
    });
  });

  it("defect 3: scale by what tasks need, and never lose a host with a task on it to that", () => {
    const stack = withHosts({ min: 1, max: 7, targetCapacityPercent: 80 });
    expect(theOnly(stack, "aws_ecs_capacity_provider")).toMatchObject({
      name: "hosts-apps",
      auto_scaling_group_provider: {
        auto_scaling_group_arn: expect.stringContaining("aws_autoscaling_group"),
        managed_scaling: { status: "ENABLED", target_capacity: 80 },
        managed_termination_protection: "ENABLED",
        managed_draining: "ENABLED",
      },
    });
    expect(groupOf(stack)).toMatchObject({ min_size: 1, max_size: 7, protect_from_scale_in: true });
    expect(groupOf(stack)).not.toHaveProperty("desired_capacity");
    expect(groupOf(stack).tag).toContainEqual({ key: "AmazonECSManaged", value: "true", propagate_at_launch: true });
    expect(theOnly(stack, "aws_ecs_cluster_capacity_providers")).toMatchObject({
      default_capacity_provider_strategy: [
        { capacity_provider: expect.stringContaining("capacity_provider"), weight: 1 },
      ],
    });
  });

  it("defect 4: are replaced when their template changes and when they are old, each drained before it goes", () => {
    const stack = withHosts({ maxLifetimeDays: 14, refresh: { minHealthyPercent: 90, maxHealthyPercent: 150 } });
    expect(groupOf(stack)).toMatchObject({
      instance_refresh: {
        strategy: "Rolling",
        preferences: {
          min_healthy_percentage: 90,
          max_healthy_percentage: 150,
          scale_in_protected_instances: "Refresh",
        },
      },
      mixed_instances_policy: {
        launch_template: {
          // A number that changes with the template: "$Latest" would never start a refresh.
          launch_template_specification: {
            version: expect.stringMatching(/^\$\{aws_launch_template\..+\.latest_version\}$/),
          },
        },
      },
    });
    expect(theOnly(stack, "aws_ecs_capacity_provider")).toMatchObject({
      auto_scaling_group_provider: { managed_draining: "ENABLED" },
    });
  });

  it("are replaced by age in spite of their protection, which keeps a maximum lifetime from doing so", () => {
    const stack = withHosts({
      maxLifetimeDays: 14,
      refresh: { minHealthyPercent: 90, maxHealthyPercent: 150, warmupSeconds: 60 },
    });
    expect(groupOf(stack)).not.toHaveProperty("max_instance_lifetime");
    const schedule = theOnly(stack, "aws_scheduler_schedule");
    expect(schedule).toMatchObject({
      schedule_expression: "rate(14 days)",
      flexible_time_window: { mode: "OFF" },
      target: {
        arn: "arn:${data.aws_partition.partition.partition}:scheduler:::aws-sdk:autoscaling:startInstanceRefresh",
      },
    });
    expect(JSON.parse(String(Object(schedule.target).input))).toEqual({
      AutoScalingGroupName: expect.stringMatching(/aws_autoscaling_group\..+\.name/),
      Strategy: "Rolling",
      Preferences: {
        MinHealthyPercentage: 90,
        MaxHealthyPercentage: 150,
        InstanceWarmup: 60,
        ScaleInProtectedInstances: "Refresh",
      },
    });
    expect(rightsOf(stack, "hosts_replacement")).toEqual([
      {
        Effect: "Allow",
        Action: ["autoscaling:StartInstanceRefresh"],
        Resource: [expect.stringMatching(/aws_autoscaling_group\..+\.arn/)],
      },
    ]);
    expect(theOnly(withHosts({ maxLifetimeDays: 1 }), "aws_scheduler_schedule").schedule_expression).toBe(
      "rate(1 day)",
    );
  });

  it("defect 5: have IMDSv2 at one hop, an encrypted disk and no SSH key, and are no launch configuration", () => {
    const stack = synthCluster({ kmsKeyArn, hosts: { volume: { sizeGiB: 64 } } });
    const template = templateOf(stack);
    expect(template).toMatchObject({
      metadata_options: { http_tokens: "required", http_put_response_hop_limit: 1 },
      block_device_mappings: [
        {
          device_name: "/dev/xvda",
          ebs: { volume_type: "gp3", encrypted: "true", volume_size: 64, kms_key_id: kmsKeyArn },
        },
      ],
    });
    expect(template).not.toHaveProperty("key_name");
    expect(stack.resource).not.toHaveProperty("aws_launch_configuration");
    expect(stack.resource).not.toHaveProperty("aws_vpc_security_group_ingress_rule");
    expect(filesOf(stack)["/etc/ecs/ecs.config"]).toContain("ECS_AWSVPC_BLOCK_IMDS=true\n");
  });

  it("defect 5: may do exactly what their agents need, in this cluster", () => {
    const stack = synthCluster();
    const rights = rightsOf(stack, "hosts_host");
    const unnameable = /^(ecs:DiscoverPollEndpoint|ssmmessages:.*)$/;
    for (const { Action, Resource } of rights) {
      const actions = [Action].flat();
      if ([Resource].flat().includes("*")) expect(actions.filter((action) => !unnameable.test(action))).toEqual([]);
    }
    const all = rights.flatMap(({ Action }) => Action);
    expect(
      all.filter((action) => /\*|ec2:|ecs:CreateCluster|ssm:GetParam|s3:|logs:CreateLogGroup/.test(action)),
    ).toEqual([]);
    expect(rights).toContainEqual({
      Effect: "Allow",
      Action: ["ecs:Poll", "ecs:StartTelemetrySession", "ecs:UpdateContainerInstancesState"],
      Resource: [expect.stringMatching(/:container-instance\/apps\/\*$/)],
      Condition: { ArnEquals: { "ecs:cluster": expect.stringMatching(/aws_ecs_cluster\..+\.arn/) } },
    });
    expect(resources(stack, "aws_iam_role_policy_attachment")).toEqual([]);
    const [role] = Object.entries(stack.resource.aws_iam_role ?? {}).filter(([id]) => id.includes("hosts_host"));
    expect(statements(role?.[1].assume_role_policy)).toEqual([
      { Effect: "Allow", Action: "sts:AssumeRole", Principal: { Service: "ec2.amazonaws.com" } },
    ]);
  });

  it("carry the stack's tags, Environment among them, on instances, disks and network cards", () => {
    const stack = synthCluster({ tags: { Environment: "prod" } });
    const tags = templateOf(stack).tag_specifications as { resource_type: string; tags: object }[];
    expect(tags.map(({ resource_type }) => resource_type)).toEqual(["instance", "volume", "network-interface"]);
    for (const specification of tags) expect(specification.tags).toMatchObject({ Environment: "prod", Fleet: "apps" });
    expect(groupOf(stack).tag).toContainEqual({ key: "Environment", value: "prod", propagate_at_launch: true });
  });
});

describe("the logs of a host", () => {
  it("all eight go to CloudWatch for 30 days, by cluster and private address", () => {
    const stack = synthCluster();
    const { logs } = JSON.parse(filesOf(stack)["/etc/agent-fleets/cloudwatch-agent.json"] ?? "");
    const collected = logs.logs_collected.files.collect_list;
    expect(collected.map(({ file_path }: { file_path: string }) => file_path)).toEqual([
      "/var/log/dmesg",
      "/var/log/docker",
      "/var/log/ecs/ecs-agent.log",
      "/var/log/ecs/ecs-init.log",
      "/var/log/ecs/audit.log",
      "/var/log/messages",
      "/var/log/cloud-init.log",
      "/var/log/cloud-init-output.log",
    ]);
    const groups = resources(stack, "aws_cloudwatch_log_group").filter(({ name }) => String(name).includes("/hosts/"));
    expect(groups).toHaveLength(8);
    for (const group of groups) expect(group.retention_in_days).toBe(30);
    for (const { log_stream_name, log_group_name } of collected) {
      expect(log_stream_name).toBe("apps/{ip_address}");
      expect(groups.map(({ name }) => name)).toContain(log_group_name);
    }
    expect(partsOf(stack)[1]?.content).toContain("file:/etc/agent-fleets/cloudwatch-agent.json");
  });
});

describe("user data", () => {
  it("defect 8: Spot hosts drain when AWS takes them back", () => {
    const drains = "ECS_ENABLE_SPOT_INSTANCE_DRAINING=true\n";
    expect(filesOf(withHosts({ spotPercent: 1 }))["/etc/ecs/ecs.config"]).toContain(drains);
    expect(filesOf(synthCluster())["/etc/ecs/ecs.config"]).not.toContain("SPOT");
  });

  it("defect 2: takes every setting of the agent, ours first, one line each", () => {
    const ecsConfig = { ECS_RESERVED_MEMORY: "256", ECS_INSTANCE_ATTRIBUTES: '{"a": "$(b) `c` ${d} \'"}' };
    expect(filesOf(withHosts({ ecsConfig }))["/etc/ecs/ecs.config"]).toBe(
      [
        "ECS_CLUSTER=apps",
        "ECS_AWSVPC_BLOCK_IMDS=true",
        "ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION=10m",
        "ECS_IMAGE_CLEANUP_INTERVAL=10m",
        "ECS_NUM_IMAGES_DELETE_PER_CYCLE=20",
        "ECS_RESERVED_MEMORY=256",
        'ECS_INSTANCE_ATTRIBUTES={"a": "$(b) `c` ${d} \'"}',
        "",
      ].join("\n"),
    );
  });

  it("lets a config say how soon ended containers and unused images go", () => {
    const file = filesOf(withHosts({ ecsConfig: { ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION: "1h" } }))[
      "/etc/ecs/ecs.config"
    ];
    expect(file?.match(/^ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION=.*$/gm)).toEqual([
      "ECS_ENGINE_TASK_CLEANUP_WAIT_DURATION=1h",
    ]);
  });

  it("runs in this order: files, our boot script, the config's own", () => {
    const parts = partsOf(withHosts({ userData: "#!/bin/sh\necho hello\n" }));
    expect(parts.map(({ headers }) => /Content-Type: ([^;]+)/.exec(headers)?.[1])).toEqual([
      "text/cloud-config",
      "text/x-shellscript",
      "text/x-shellscript",
    ]);
    expect(parts[2]?.content).toBe("#!/bin/sh\necho hello\n");
  });

  it("appends the lists of a cloud-config to ours instead of losing them", () => {
    const parts = partsOf(withHosts({ userData: "#cloud-config\npackages: [jq]\n" }));
    expect(parts[2]?.headers).toContain("Merge-Type: list(append)");
  });

  it("keeps whatever stands in the config as it is, and inside the limit of EC2", () => {
    const hostile = fc.constantFrom(
      "${x}",
      "$${x}",
      "%{if}",
      "--==agent-fleets==--",
      "'",
      '"',
      "`",
      "\\",
      "$(x)",
      "EOF\n",
      "é",
    );
    const line = fc.array(fc.oneof(hostile, fc.string({ maxLength: 20 })), { maxLength: 6 }).map((all) => all.join(""));
    fc.assert(
      fc.property(line, line, (script, value) => {
        const userData = `#!/bin/sh\n${script}`;
        const setting = value.replaceAll(/[\r\n\0]/g, "");
        const stack = withHosts({ userData, ecsConfig: { ECS_LOGLEVEL: setting } });
        expect(partsOf(stack)[2]?.content).toBe(userData);
        expect(filesOf(stack)["/etc/ecs/ecs.config"]).toContain(`\nECS_LOGLEVEL=${setting}\n`);
      }),
      { numRuns: 25 },
    );
    const largest = templateOf(withHosts({ userData: `#!/bin/sh\n${"x".repeat(6144 - 10)}` }));
    expect(decode(String(largest.user_data)).length).toBeLessThan(16_384);
  });
});
