import { describe, expect, it } from "vitest";
import {
  actionsOf,
  bootProgramOf,
  fleet,
  given,
  group,
  groupOf,
  semaphore,
  spacelift,
  template,
  templateOf,
} from "./ec2-fleet.ts";
import { resources, rightsOf, type Synthesized, statements, synthesize, theOnly, theSettings } from "./synth.ts";

describe("the group", () => {
  it("is the fleet's, within its limits, and never moves instances between zones on its own", () => {
    const made = group(fleet({ agents: { min: 2, max: 7 } }));
    expect(made).toMatchObject({
      name: "ci",
      min_size: 2,
      max_size: 7,
      vpc_zone_identifier: given.subnetIds,
      suspended_processes: ["AZRebalance"],
      health_check_type: "EC2",
      wait_for_capacity_timeout: "0",
    });
    expect(made.availability_zones).toBeUndefined();
  });

  it("has its desired capacity from the config once, when it is made, and from the loop ever after", () => {
    expect(group(fleet()).desired_capacity).toBeUndefined();
    for (const initial of [0, 3]) {
      const made = group(fleet({ agents: { initial } }));
      expect(made.desired_capacity).toBe(initial);
      expect(made.lifecycle).toEqual({ ignore_changes: ["desired_capacity"] });
    }
  });

  it("launches what the config lists, in its order, or what has the attributes, at the lowest price", () => {
    const policy = (compute: object) => groupOf(compute).mixed_instances_policy as Record<string, object>;
    expect(policy({ instances: { types: ["c7g.large", "m7g.large"] }, architecture: "arm64" })).toMatchObject({
      instances_distribution: { on_demand_allocation_strategy: "prioritized" },
      launch_template: { override: [{ instance_type: "c7g.large" }, { instance_type: "m7g.large" }] },
    });
    const instances = { vcpus: { min: 2 }, memoryMiB: { min: 4096 }, burstable: true };
    expect(policy({ instances, architecture: "arm64" })).toMatchObject({
      instances_distribution: { on_demand_allocation_strategy: "lowest-price" },
      launch_template: {
        override: [
          { instance_requirements: { burstable_performance: "included", cpu_manufacturers: ["amazon-web-services"] } },
        ],
      },
    });
  });

  it("never picks a type by attributes on which an agent that leaves by itself may not see its role", () => {
    const compute = {
      instances: { vcpus: { min: 2 }, memoryMiB: { min: 4096 }, excludedTypes: ["*.metal"], burstable: true },
    };
    const excluded = (changes: object) => {
      const { mixed_instances_policy } = group(fleet({ compute, ...changes }));
      const { override } = (mixed_instances_policy as { launch_template: { override: object[] } }).launch_template;
      return (override[0] as { instance_requirements: { excluded_instance_types: string[] } }).instance_requirements
        .excluded_instance_types;
    };
    // AWS calls these the current generation, and they run on Xen.
    const current = ["h1.*", "i3.*", "t2.*", "x1.*", "x1e.*"];
    expect(excluded({ vendor: semaphore.vendor })).toEqual(expect.arrayContaining(["*.metal", ...current]));
    expect(excluded({})).toEqual(["*.metal"]);
  });

  it("mixes On-Demand and Spot", () => {
    const spot = { spotPercent: 80, onDemandBase: 1, spotMaxPrice: "0.05", spotAllocation: "capacity-optimized" };
    expect(groupOf(spot)).toMatchObject({
      capacity_rebalance: true,
      mixed_instances_policy: {
        instances_distribution: {
          on_demand_base_capacity: 1,
          on_demand_percentage_above_base_capacity: 20,
          spot_allocation_strategy: "capacity-optimized",
          spot_max_price: "0.05",
        },
      },
    });
    expect(groupOf({ ...spot, capacityRebalance: false }).capacity_rebalance).toBe(false);
    expect(groupOf({}).capacity_rebalance).toBe(false);
  });

  it("has the loop alone choose which instance ends: AWS may pick none, and replaces none for its age or template", () => {
    const stack = fleet({ compute: { maxLifetimeSeconds: 604_800 } });
    expect(group(stack)).toMatchObject({
      protect_from_scale_in: true,
      mixed_instances_policy: {
        launch_template: {
          // A number: AWS does not say which version $Latest is, and so not which instances are outdated.
          launch_template_specification: {
            version: expect.stringMatching(/^\$\{aws_launch_template\..+latest_version\}$/),
          },
        },
      },
    });
    for (const key of ["max_instance_lifetime", "instance_refresh"]) expect(group(stack)).not.toHaveProperty(key);
  });

  it("tells the loop to replace instances for their age and template, at the pace of the config", () => {
    const renewal = (compute: object) => {
      const { maxLifetimeSeconds, renewAtOncePercent } = theSettings(fleet({ compute })).policy;
      return { maxLifetimeSeconds, renewAtOncePercent };
    };
    expect(renewal({})).toEqual({ maxLifetimeSeconds: undefined, renewAtOncePercent: 10 });
    expect(renewal({ maxLifetimeSeconds: 604_800, refresh: { atOncePercent: 50 } })).toEqual({
      maxLifetimeSeconds: 604_800,
      renewAtOncePercent: 50,
    });
    expect(renewal({ refresh: { enabled: false } }).renewAtOncePercent).toBeUndefined();
  });

  it("keeps a warm pool of one type, and hibernates it where asked to", () => {
    const compute = { instances: { types: ["m7i.large"] }, warmPool: { state: "hibernated", min: 0, maxPrepared: 4 } };
    const stack = fleet({ compute });
    expect(group(stack)).toMatchObject({
      launch_template: { id: expect.stringContaining("aws_launch_template") },
      warm_pool: { pool_state: "Hibernated", min_size: 0, max_group_prepared_capacity: 4 },
    });
    expect(group(stack).mixed_instances_policy).toBeUndefined();
    expect(template(stack)).toMatchObject({ instance_type: "m7i.large", hibernation_options: { configured: true } });
    expect(templateOf({ ...compute, warmPool: {} }).hibernation_options).toBeUndefined();
    expect(bootProgramOf(stack)).toContain("\nAGENT_FLEETS_WARM_POOL='true'\n");
    // At every start: AWS stops an instance for the pool whether its first run is over or not.
    expect(bootProgramOf(stack)).toMatch(/^#cloud-boothook\n#!\/bin\/bash\n/);
  });

  it("rests more processes and keeps its metrics to itself where asked to", () => {
    expect(groupOf({ suspendedProcesses: ["AZRebalance", "ScheduledActions"] }).suspended_processes).toEqual([
      "AZRebalance",
      "ScheduledActions",
    ]);
    expect(groupOf({}).enabled_metrics).toContain("GroupInServiceInstances");
    expect(groupOf({ groupMetrics: false }).enabled_metrics).toBeUndefined();
  });
});

describe("the termination hook", () => {
  it("Spacelift defect 14: is a resource of its own, so that it acts on every group and its change replaces none", () => {
    const stack = fleet();
    expect(group(stack).initial_lifecycle_hook).toBeUndefined();
    expect(theOnly(stack, "aws_autoscaling_lifecycle_hook")).toMatchObject({
      name: "agent-fleets-retire",
      autoscaling_group_name: expect.stringMatching(/^\$\{aws_autoscaling_group\..+\.name\}$/),
      lifecycle_transition: "autoscaling:EC2_INSTANCE_TERMINATING",
      heartbeat_timeout: 3600,
      default_result: "CONTINUE",
    });
  });

  it("Spacelift defect 15: needs no role, least of all that of the instances, which EC2 alone may assume", () => {
    const stack = fleet();
    const { role_arn, notification_target_arn } = theOnly(stack, "aws_autoscaling_lifecycle_hook");
    expect([role_arn, notification_target_arn]).toEqual([undefined, undefined]);
    const role = resources(stack, "aws_iam_role").find(({ name }) => name === "ci-instance-us-west-2");
    expect(statements(role?.assume_role_policy).map(({ Principal }) => Principal)).toEqual([
      { Service: "ec2.amazonaws.com" },
    ]);
  });
});

describe("logs", () => {
  it("Spacelift defect 21: two fleets of one account have different groups, roles, templates and hooks", () => {
    const named = (name: string) => {
      const stack = fleet({}, name);
      return [
        "aws_cloudwatch_log_group",
        "aws_iam_role",
        "aws_launch_template",
        "aws_autoscaling_group",
        "aws_sqs_queue",
      ]
        .flatMap((type) => resources(stack, type))
        .map((each) => String(each.name));
    };
    const [one, other] = [named("one"), named("other")];
    expect(one).toContain("/agent-fleets/one/launcher-info");
    expect(one.filter((name) => other.includes(name))).toEqual([]);
  });

  it("of hosts go nowhere, and no right or group is made for them, where the config says so", () => {
    const stack = fleet({ compute: { hostLogs: false } });
    expect(
      resources(stack, "aws_cloudwatch_log_group").filter(({ name }) => /^\/agent-fleets/.test(String(name))),
    ).toEqual([]);
    expect(actionsOf(stack, "role_instance").filter((action) => action.startsWith("logs:"))).toEqual([]);
    expect(bootProgramOf(stack)).toContain("\nAGENT_FLEETS_LOG_FILES=''\n");
  });
});

describe("the loop", () => {
  const capacityOf = (stack: Synthesized) => theSettings(stack).capacity;

  it.each([
    spacelift,
    semaphore,
  ])("fault B2: takes for a failed boot what ends by itself before a failed host must: $vendor.type", (config) => {
    const stack = synthesize({ ...config, network: given, agents: { registrationGraceSeconds: 120 } }, "ci");
    expect(bootProgramOf(stack)).toContain(
      "\nAGENT_FLEETS_EARLIEST_POWER_OFF_SECONDS='420'\nAGENT_FLEETS_BOOT_SECONDS='720'\n",
    );
    expect(capacityOf(stack)).toMatchObject({ bootSeconds: 720 });
  });

  it.each([
    spacelift,
    semaphore,
  ])("tells its instances how long an agent may take to register, and where to say that none did: $vendor.type", (config) => {
    const stack = synthesize({ ...config, network: given, agents: { registrationGraceSeconds: 120 } }, "ci");
    const program = bootProgramOf(stack);
    expect(program).toMatch(/^AGENT_FLEETS_RELEASE_QUEUE_URL='\$\{aws_sqs_queue\.release-queue[^}]*\.url\}'$/m);
    expect(program).toContain("\nAGENT_FLEETS_REGISTRATION_GRACE_SECONDS='120'\n");
  });

  it("knows the group and may raise it, name instances to end and tag them with what it knows, and nothing else", () => {
    const stack = fleet();
    expect(capacityOf(stack)).toEqual({ type: "asg", group: "ci", hook: "agent-fleets-retire", bootSeconds: 1200 });
    const groupArn = expect.stringMatching(/^\$\{aws_autoscaling_group\..+\.arn\}$/);
    const rights = rightsOf(stack, "autoscale").filter(({ Action }) =>
      /^(autoscaling|ec2):/.test(String([Action].flat()[0])),
    );
    expect(rights).toEqual([
      {
        Effect: "Allow",
        Action: [
          "autoscaling:DescribeAutoScalingGroups",
          "autoscaling:DescribeScalingActivities",
          "ec2:DescribeImages",
          "ec2:DescribeInstances",
        ],
        Resource: ["*"],
      },
      {
        Effect: "Allow",
        Action: ["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"],
        Resource: [groupArn],
      },
      {
        Effect: "Allow",
        Action: ["ec2:CreateTags"],
        Resource: [expect.stringMatching(/:ec2:us-west-2:.+:instance\/\*$/)],
        Condition: {
          StringEquals: { "aws:ResourceTag/aws:autoscaling:groupName": "ci" },
          "ForAllValues:StringEquals": {
            "aws:TagKeys": ["AgentFleetsRole", "AgentFleetsRegistered"],
          },
        },
      },
    ]);
  });
});

describe("what stands in a config", () => {
  it("Semaphore defect 6: false and 0 are kept", () => {
    const stack = fleet({
      agents: { min: 0, max: 0, initial: 0 },
      compute: {
        onDemandBase: 0,
        spotPercent: 0,
        healthCheckGraceSeconds: 0,
        refresh: { enabled: false },
        detailedMonitoring: false,
        disableContainerCredentials: false,
      },
    });
    expect(group(stack)).toMatchObject({
      min_size: 0,
      max_size: 0,
      desired_capacity: 0,
      health_check_grace_period: 0,
      mixed_instances_policy: { instances_distribution: { on_demand_base_capacity: 0 } },
    });
    expect(template(stack)).toMatchObject({
      monitoring: { enabled: false },
      metadata_options: { http_put_response_hop_limit: 2 },
    });
  });

  it("Semaphore defect 6: tags keep their colons, and lists are lists of items", () => {
    const instances = { types: ["m7i.large", "m6i.large"] };
    const stack = fleet({ tags: { "acme:team": "platform:ci:eu" }, compute: { instances } });
    const tags = { "acme:team": "platform:ci:eu" };
    expect(template(stack).tag_specifications).toEqual(
      ["instance", "volume", "network-interface"].map((resource_type) => ({
        resource_type,
        tags: expect.objectContaining(tags),
      })),
    );
    expect(group(stack).tag).toContainEqual({ key: "acme:team", value: "platform:ci:eu", propagate_at_launch: true });
    expect(group(stack)).toMatchObject({
      mixed_instances_policy: {
        launch_template: { override: [{ instance_type: "m7i.large" }, { instance_type: "m6i.large" }] },
      },
    });
  });

  it("Semaphore defect 7: the partition is that of the region, nowhere arn:aws:", () => {
    for (const config of [spacelift, semaphore]) {
      const made = synthesize(
        { ...config, network: given, region: "us-gov-west-1", vendor: { ...config.vendor, ...bucketOf(config) } },
        "ci",
      );
      expect(JSON.stringify({ ...made, locals: undefined })).not.toContain("arn:aws:");
      expect(bootProgramOf(made)).not.toContain("arn:aws:");
    }
    const china = synthesize({
      ...semaphore,
      network: given,
      region: "cn-north-1",
      vendor: { ...semaphore.vendor, cacheBucket: "cache" },
    });
    expect(JSON.stringify(rightsOf(china, "role_instance"))).toContain("arn:aws-cn:s3:::cache");
  });
});

function bucketOf(config: object): object {
  return config === semaphore ? { cacheBucket: "cache" } : {};
}
