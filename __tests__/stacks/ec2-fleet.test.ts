import { describe, expect, it } from "vitest";
import { autoscaleEnv } from "../../handlers/autoscale/env.ts";
import { releaseEnv } from "../../handlers/release/env.ts";
import { resources, rightsOf, type Synthesized, statements, synthesize, theOnly } from "./synth.ts";

const spacelift = {
  kind: "ec2-fleet",
  region: "us-west-2",
  vendor: {
    type: "spacelift",
    workerPoolId: "01HCC6QZ932J7WDF4FTVM9QMEP",
    endpoint: "https://acme.app.spacelift.io",
    apiKeyId: "01HCC6QZ932J7WDF4FTVM9QMEX",
  },
};
const semaphore = {
  kind: "ec2-fleet",
  region: "us-west-2",
  vendor: { type: "semaphore", organization: "acme" },
};
const given = { vpcId: "vpc-01234567", subnetIds: ["subnet-01234567", "subnet-89abcdef"] };
const kmsKeyArn = "arn:aws:kms:us-west-2:111122223333:key/0a1b";

const fleet = (changes: object = {}, name = "ci") => synthesize({ ...spacelift, network: given, ...changes }, name);
const group = (stack: Synthesized) => theOnly(stack, "aws_autoscaling_group");
const template = (stack: Synthesized) => theOnly(stack, "aws_launch_template");
const groupOf = (compute: object) => group(fleet({ compute }));
const templateOf = (compute: object) => template(fleet({ compute }));
const actionsOf = (stack: Synthesized, role: string) => rightsOf(stack, role).flatMap(({ Action }) => Action);

function environmentOf(stack: Synthesized, name: string): Record<string, string> {
  const functions = resources(stack, "aws_lambda_function");
  const found = functions.find((each) => each.function_name === name) as { environment?: { variables: object } };
  return { ...found?.environment?.variables } as Record<string, string>;
}

/** The text that Terraform gzips, with its expressions as they stand. */
function bootProgramOf(stack: Synthesized): string {
  return String((stack as unknown as { locals: Record<string, string> }).locals["boot-program"]);
}

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

  it("replaces instances when their template changes, at the pace of the config, and by age", () => {
    const refresh = { minHealthyPercent: 50, maxHealthyPercent: 100, warmupSeconds: 0 };
    expect(groupOf({ refresh, maxLifetimeSeconds: 604_800 })).toMatchObject({
      max_instance_lifetime: 604_800,
      instance_refresh: {
        strategy: "Rolling",
        preferences: { min_healthy_percentage: 50, max_healthy_percentage: 100, instance_warmup: "0" },
      },
      mixed_instances_policy: {
        launch_template: {
          // A number: with $Latest a new version would start no refresh.
          launch_template_specification: {
            version: expect.stringMatching(/^\$\{aws_launch_template\..+latest_version\}$/),
          },
        },
      },
    });
    expect(groupOf({}).max_instance_lifetime).toBeUndefined();
  });

  it("goes on with a refresh only when an instance that cannot boot would be gone", () => {
    const preferences = (changes: object) =>
      (group(fleet(changes)).instance_refresh as { readonly preferences: object }).preferences;
    expect(preferences({})).toMatchObject({ instance_warmup: "1200" });
    expect(preferences({ agents: { registrationGraceSeconds: 900 } })).toMatchObject({ instance_warmup: "1500" });
    // Terraform updates the group before it starts the refresh: AWS would roll back to what has just failed.
    expect(preferences({})).not.toHaveProperty("auto_rollback");
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

describe("the launch template", () => {
  it("demands IMDSv2, keeps containers from it, and ends what powers off", () => {
    expect(templateOf({})).toMatchObject({
      metadata_options: {
        http_endpoint: "enabled",
        http_tokens: "required",
        http_put_response_hop_limit: 1,
        instance_metadata_tags: "enabled",
      },
      instance_initiated_shutdown_behavior: "terminate",
    });
    expect(templateOf({ disableContainerCredentials: false })).toMatchObject({
      metadata_options: { http_tokens: "required", http_put_response_hop_limit: 2 },
    });
  });

  it("has an encrypted gp3 disk, with the key of the stack where there is one", () => {
    const volume = { deviceName: "/dev/sda1", sizeGiB: 100, iops: 4000, throughputMiBps: 500 };
    const disk = (stack: Synthesized) => (template(stack).block_device_mappings as object[])[0];
    expect(disk(fleet({ compute: { volume }, kmsKeyArn }))).toEqual({
      device_name: "/dev/sda1",
      ebs: {
        volume_type: "gp3",
        volume_size: 100,
        iops: 4000,
        throughput: 500,
        encrypted: "true",
        kms_key_id: kmsKeyArn,
        delete_on_termination: "true",
      },
    });
    expect(disk(fleet())).toMatchObject({ device_name: "/dev/xvda", ebs: { encrypted: "true" } });
  });

  it("takes the image that the config names, in each of three ways, or else the vendor's", () => {
    expect(templateOf({ ami: { id: "ami-0123456789abcdef0" } }).image_id).toBe("ami-0123456789abcdef0");
    const told = fleet({ compute: { ami: { ssmParameter: "/ci/ami" } } });
    const [parameter] = Object.entries(told.data.aws_ssm_parameter ?? {});
    expect(parameter?.[1]).toMatchObject({ name: "/ci/ami" });
    expect(template(told).image_id).toBe(`\${data.aws_ssm_parameter.${parameter?.[0]}.insecure_value}`);
    const named = fleet({ compute: { ami: { nameFilter: "ci-*", owners: ["self"] } } });
    const [image] = Object.entries(named.data.aws_ami ?? {});
    expect(image?.[1]).toMatchObject({
      most_recent: true,
      owners: ["self"],
      filter: expect.arrayContaining([{ name: "name", values: ["ci-*"] }]),
    });
    expect(template(named).image_id).toBe(`\${data.aws_ami.${image?.[0]}.id}`);
    expect(Object.values(fleet().data.aws_ami ?? {})[0]).toMatchObject({ owners: ["643313122712"] });
  });

  it("tells monitoring, tenancy, placement group and IPv6", () => {
    const network_interfaces = [expect.objectContaining({ ipv6_address_count: 1 })];
    const compute = { detailedMonitoring: true, tenancy: "dedicated", placementGroup: "near", ipv6: true };
    expect(templateOf(compute)).toMatchObject({
      monitoring: { enabled: true },
      placement: { tenancy: "dedicated", group_name: "near" },
      network_interfaces,
    });
    expect(templateOf({ placementGroup: "near" }).placement).toMatchObject({ group_name: "near" });
  });

  it("puts the tags on instances, their disks and their network cards", () => {
    const stack = fleet({ tags: { Team: "platform" } });
    const tags = { Fleet: "ci", ManagedBy: "agent-fleets", Name: "ci", Team: "platform" };
    expect(template(stack).tag_specifications).toEqual(
      ["instance", "volume", "network-interface"].map((resource_type) => ({ resource_type, tags })),
    );
    expect(group(stack).tag).toContainEqual({ key: "Team", value: "platform", propagate_at_launch: true });
  });

  it("boots by the library and the vendor's script, and knows secrets by ARN alone", () => {
    const stack = fleet();
    expect(template(stack).user_data).toBe("${base64gzip(local.boot-program)}");
    const program = bootProgramOf(stack);
    expect(program).toMatch(/^#!\/bin\/bash\nAGENT_FLEETS_FLEET='ci'\nAGENT_FLEETS_REGION='us-west-2'\n/);
    expect(program).toMatch(/SPACELIFT_TOKEN=\$\{aws_secretsmanager_secret\.secret-workerPoolToken[^}]*\.arn\}/);
    expect(program.indexOf("install_service() {")).toBeLessThan(program.indexOf("install_launcher() {"));
    expect(program.trimEnd()).toMatch(/"\$\$\{@:-install_service\}"$/);
  });
});

describe("the network", () => {
  it("Semaphore defect 4: has no way in, and port 22 only for named ranges together with a key pair", () => {
    const closed = fleet({ network: { create: {} } });
    expect(resources(closed, "aws_vpc_security_group_ingress_rule")).toEqual([]);
    expect(resources(closed, "aws_security_group").flatMap(({ ingress }) => ingress ?? [])).toEqual([]);
    expect(template(closed).key_name).toBeUndefined();

    const open = fleet({ compute: { ssh: { keyName: "ops", cidrs: ["203.0.113.0/24", "2001:db8::/48"] } } });
    const rule = { ip_protocol: "tcp", from_port: 22, to_port: 22 };
    expect(resources(open, "aws_vpc_security_group_ingress_rule")).toEqual([
      expect.objectContaining({ ...rule, cidr_ipv4: "203.0.113.0/24" }),
      expect.objectContaining({ ...rule, cidr_ipv6: "2001:db8::/48" }),
    ]);
    expect(template(open).key_name).toBe("ops");
    expect(template(open).network_interfaces).toEqual([
      expect.objectContaining({ security_groups: expect.arrayContaining([expect.stringContaining("ssh")]) }),
    ]);
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
    const role = resources(stack, "aws_iam_role").find(({ name }) => name === "ci-instance");
    expect(statements(role?.assume_role_policy).map(({ Principal }) => Principal)).toEqual([
      { Service: "ec2.amazonaws.com" },
    ]);
  });
});

describe("what instances may do", () => {
  it("Spacelift defect 20, Semaphore defect 3: nothing to the group, to other instances or to queues of others", () => {
    for (const config of [spacelift, semaphore]) {
      const stack = synthesize({ ...config, network: given }, "ci");
      expect(
        actionsOf(stack, "role_instance").filter((action) => /^(autoscaling|ec2|sqs):/.test(String(action))),
      ).toEqual(config === semaphore ? ["sqs:SendMessage"] : []);
      const everywhere = rightsOf(stack, "role_instance").filter(({ Resource }) => [Resource].flat().includes("*"));
      // What Session Manager and Run Command need; AWS knows no resources of these.
      expect(everywhere.flatMap(({ Action }) => Action).every((action) => /^(ssm|ec2)messages:/.test(action))).toBe(
        true,
      );
    }
  });

  it("Spacelift defect 20: no role of the fleet may do everything to anything, and none may end instances by EC2", () => {
    const roles = resources(fleet(), "aws_iam_role_policy").flatMap(({ policy }) => statements(policy));
    const actions = roles.flatMap(({ Action }) => Action);
    expect(actions.filter((action) => action.includes("*"))).toEqual([]);
    expect(actions).not.toContain("ec2:TerminateInstances");
    const queues = roles.filter(({ Action }) => [Action].flat().some((action) => action.startsWith("sqs:")));
    expect(queues.flatMap(({ Resource }) => Resource)).not.toContain("*");
  });

  it("Semaphore defect 3: secrets and logs are readable and writable where they are this fleet's", () => {
    const stack = fleet({ kmsKeyArn });
    const rights = rightsOf(stack, "role_instance");
    const resourcesOf = (wanted: string) =>
      rights.filter(({ Action }) => Action.includes(wanted)).flatMap(({ Resource }) => Resource);
    expect(resourcesOf("secretsmanager:GetSecretValue")).toEqual([
      expect.stringContaining("secret-workerPoolToken"),
      expect.stringContaining("secret-poolPrivateKey"),
    ]);
    expect(resourcesOf("logs:PutLogEvents")).toEqual([
      "${aws_cloudwatch_log_group.log-boot.arn}:*",
      "${aws_cloudwatch_log_group.log-launcher-info.arn}:*",
      "${aws_cloudwatch_log_group.log-launcher-error.arn}:*",
    ]);
    expect(resourcesOf("kms:Decrypt")).toEqual([kmsKeyArn]);
    expect(actionsOf(stack, "role_instance")).not.toContain("logs:CreateLogGroup");
  });

  it("takes more policies and statements, within the boundary", () => {
    const permissionsBoundaryArn = "arn:aws:iam::111122223333:policy/boundary";
    const statement = { actions: ["s3:GetObject"], resources: ["arn:aws:s3:::acme/*"] };
    const policy = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    const instanceRole = { extraPolicyArns: [policy], extraStatements: [statement] };
    const stack = fleet({ compute: { instanceRole }, iam: { permissionsBoundaryArn, path: "/ci/" } });
    expect(rightsOf(stack, "role_instance")).toContainEqual({
      Effect: "Allow",
      Action: statement.actions,
      Resource: statement.resources,
    });
    expect(theOnly(stack, "aws_iam_role_policy_attachment")).toMatchObject({ policy_arn: policy });
    expect(theOnly(stack, "aws_iam_instance_profile").path).toBe("/ci/");
    for (const role of resources(stack, "aws_iam_role")) expect(role.permissions_boundary).toBe(permissionsBoundaryArn);
  });

  it("may be a role of the user's, to which nothing is added and by which the release queue knows senders", () => {
    const stack = fleet({ compute: { instanceRole: { name: "workers" } } });
    expect(theOnly(stack, "aws_iam_instance_profile").role).toBe("workers");
    expect(Object.keys(stack.resource.aws_iam_role_policy ?? {}).filter((id) => id.includes("role_instance"))).toEqual(
      [],
    );
    expect(stack.resource.aws_iam_role_policy_attachment).toBeUndefined();
    const environment = environmentOf(stack, "ci-release");
    expect(releaseEnv.parse(environment).INSTANCE_ROLE_ID).toMatch(/^\$\{data\.aws_iam_role\..+\.unique_id\}$/);
  });

  it("has its rights before the first instance boots", () => {
    expect(group(fleet()).depends_on).toEqual([expect.stringMatching(/^aws_iam_role_policy\.role_instance/)]);
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
  const capacityOf = (stack: Synthesized) => autoscaleEnv.parse(environmentOf(stack, "ci-autoscale")).CAPACITY;

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

  it("knows the group and may raise it, name instances to end and tag them with what it knows, and nothing else", () => {
    const stack = fleet();
    expect(capacityOf(stack)).toEqual({ type: "asg", group: "ci", bootSeconds: 1200 });
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
            "aws:TagKeys": ["AgentFleetsRole", "AgentFleetsRegistered", "AgentFleetsNeverRegistered"],
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
        refresh: { minHealthyPercent: 0, maxHealthyPercent: 100, warmupSeconds: 0 },
        detailedMonitoring: false,
        disableContainerCredentials: false,
      },
    });
    expect(group(stack)).toMatchObject({
      min_size: 0,
      max_size: 0,
      desired_capacity: 0,
      health_check_grace_period: 0,
      instance_refresh: { preferences: { min_healthy_percentage: 0, instance_warmup: "0" } },
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
